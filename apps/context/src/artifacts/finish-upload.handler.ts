import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { chunkBytes } from '@signalbox/shared/bus/stream.js';
import { finishUpload, FinishUploadReply, FinishUploadRequest } from '@signalbox/shared/contracts/context/finish-upload.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ContextConfig } from '../context.config.ts';
import { checkSize } from './artifact.ts';
import { ArtifactStore } from './artifact.store.ts';
import { artifactView } from './artifact.view.ts';
import { UploadStore } from './upload.store.ts';

@Controller()
export class FinishUploadHandler {
  constructor(
    private readonly uploads: UploadStore,
    private readonly store: ArtifactStore,
    private readonly config: ContextConfig,
  ) {}

  @Handles(finishUpload)
  async handle(@Payload() { upload, chunks, sha256 }: FinishUploadRequest, @FromCaller() caller: Caller): Promise<FinishUploadReply> {
    checkSize((chunks - 1) * chunkBytes, this.config.artifactMaxBytes);
    const id = toUuid(upload, 'upload');
    const intent = await this.uploads.intent(caller, id);
    const made = await this.store.create(
      caller,
      intent,
      (tx) => this.uploads.assemble(tx, caller, id, chunks, sha256),
      (tx) => this.uploads.remove(tx, caller, id),
    );
    return artifactView(made);
  }
}
