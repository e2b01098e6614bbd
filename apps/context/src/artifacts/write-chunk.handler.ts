import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeChunk, streamCredit } from '@signalbox/shared/bus/stream.js';
import { writeChunk, WriteChunkReply, WriteChunkRequest } from '@signalbox/shared/contracts/context/write-chunk.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ContextConfig } from '../context.config.ts';
import { checkPart } from './artifact.ts';
import { UploadStore } from './upload.store.ts';

@Controller()
export class WriteChunkHandler {
  constructor(
    private readonly uploads: UploadStore,
    private readonly config: ContextConfig,
  ) {}

  @Handles(writeChunk)
  async handle(@Payload() { upload, index, data }: WriteChunkRequest, @FromCaller() caller: Caller): Promise<WriteChunkReply> {
    const bytes = decodeChunk(data);
    checkPart(index, bytes.length, this.config.artifactMaxBytes);
    await this.uploads.write(caller, toUuid(upload, 'upload'), index, bytes);
    return { credit: streamCredit };
  }
}
