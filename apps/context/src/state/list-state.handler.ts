import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listState, ListStateReply, ListStateRequest } from '@signalbox/shared/contracts/context/list-state.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { wordsOf } from '../search-words.ts';
import { StateStore } from './state.store.ts';

@Controller()
export class ListStateHandler {
  constructor(private readonly store: StateStore) {}

  @Handles(listState)
  async handle(
    @Payload() { scope, q, cursor, limit = pageLimitDefault }: ListStateRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListStateReply> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const rows = await this.store.list(workspace, scope, wordsOf(q), after, limit + 1);
    return pageOf(
      rows,
      limit,
      ({ key }) => [key],
      ({ key, version, bytes, updatedAt, updatedBy }) => ({ scope, key, version, bytes, updatedAt: updatedAt.toISOString(), updatedBy }),
    );
  }
}
