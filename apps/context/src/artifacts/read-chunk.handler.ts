import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { encodeChunk } from '@signalbox/shared/bus/stream.js';
import { readChunk, ReadChunkReply, ReadChunkRequest } from '@signalbox/shared/contracts/context/read-chunk.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ArtifactStore } from './artifact.store.ts';

@Controller()
export class ReadChunkHandler {
  constructor(private readonly store: ArtifactStore) {}

  @Handles(readChunk)
  async handle(@Payload() { artifact, index }: ReadChunkRequest, @FromCaller() { workspace }: Caller): Promise<ReadChunkReply> {
    return { index, data: encodeChunk(await this.store.readPart(workspace, toUuid(artifact, 'artifact'), index)) };
  }
}
