import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listArtifacts, ListArtifactsReply, ListArtifactsRequest } from '@signalbox/shared/contracts/context/list-artifacts.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { wordsOf } from '../search-words.ts';
import { ArtifactStore } from './artifact.store.ts';
import { artifactView } from './artifact.view.ts';

@Controller()
export class ListArtifactsHandler {
  constructor(private readonly store: ArtifactStore) {}

  @Handles(listArtifacts)
  async handle(
    @Payload() { run, name, q, cursor, limit = pageLimitDefault }: ListArtifactsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListArtifactsReply> {
    const rows = await this.store.list(workspace, {
      run: run === undefined ? undefined : toUuid(run, 'run'),
      name,
      words: wordsOf(q),
      before: cursor === undefined ? undefined : toUuid(decodeCursor(cursor, 1)[0]!, 'artifact'),
      limit: limit + 1,
    });
    return pageOf(rows, limit, ({ id }) => [fromUuid('artifact', id)], artifactView);
  }
}
