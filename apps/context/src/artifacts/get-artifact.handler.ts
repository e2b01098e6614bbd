import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getArtifact, GetArtifactReply, GetArtifactRequest } from '@signalbox/shared/contracts/context/get-artifact.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ArtifactStore } from './artifact.store.ts';
import { artifactView } from './artifact.view.ts';

@Controller()
export class GetArtifactHandler {
  constructor(private readonly store: ArtifactStore) {}

  @Handles(getArtifact)
  async handle(@Payload() { artifact }: GetArtifactRequest, @FromCaller() { workspace }: Caller): Promise<GetArtifactReply> {
    return artifactView(await this.store.find(workspace, toUuid(artifact, 'artifact')));
  }
}
