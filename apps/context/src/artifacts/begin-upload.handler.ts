import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { streamCredit } from '@signalbox/shared/bus/stream.js';
import { beginUpload, BeginUploadReply, BeginUploadRequest } from '@signalbox/shared/contracts/context/begin-upload.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { ContextConfig } from '../context.config.ts';
import { KnownRuns } from '../runs/known-runs.ts';
import { checkSize } from './artifact.ts';
import { intentOf } from './artifact.view.ts';
import { UploadStore } from './upload.store.ts';

@Controller()
export class BeginUploadHandler {
  constructor(
    private readonly uploads: UploadStore,
    private readonly config: ContextConfig,
    private readonly runs: KnownRuns,
  ) {}

  @Handles(beginUpload)
  async handle(@Payload() begin: BeginUploadRequest, @FromCaller() caller: Caller): Promise<BeginUploadReply> {
    checkSize(begin.size ?? 0, this.config.artifactMaxBytes);
    if (begin.run !== undefined) await this.runs.require(caller, begin.run);
    const id = await this.uploads.begin(caller, intentOf(begin), this.config.uploadsMax);
    return { upload: fromUuid('upload', id), credit: streamCredit };
  }
}
