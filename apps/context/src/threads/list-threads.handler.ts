import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listThreads, ListThreadsReply, ListThreadsRequest } from '@signalbox/shared/contracts/context/list-threads.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { wordsOf } from '../search-words.ts';
import { ThreadStore } from './thread.store.ts';
import { threadView } from './thread.view.ts';

@Controller()
export class ListThreadsHandler {
  constructor(private readonly store: ThreadStore) {}

  @Handles(listThreads)
  async handle(
    @Payload() { q, cursor, limit = pageLimitDefault }: ListThreadsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListThreadsReply> {
    const before = cursor === undefined ? undefined : toUuid(decodeCursor(cursor, 1)[0]!, 'thread');
    const rows = await this.store.list(workspace, wordsOf(q), before, limit + 1);
    return pageOf(rows, limit, ({ id }) => [fromUuid('thread', id)], threadView);
  }
}
