import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteArtifact, DeleteArtifactReply, DeleteArtifactRequest } from '@signalbox/shared/contracts/context/delete-artifact.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ArtifactStore } from './artifact.store.ts';

@Controller()
export class DeleteArtifactHandler {
  constructor(private readonly store: ArtifactStore) {}

  @Handles(deleteArtifact)
  async handle(@Payload() { artifact }: DeleteArtifactRequest, @FromCaller() caller: Caller): Promise<DeleteArtifactReply> {
    await this.store.delete(caller, toUuid(artifact, 'artifact'));
    return {};
  }
}
