import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listBreakers, ListBreakersReply, ListBreakersRequest } from '@signalbox/shared/contracts/protocol/list-breakers.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { BreakerStore, breakerView } from './breaker.store.ts';

@Controller()
export class ListBreakersHandler {
  constructor(private readonly store: BreakerStore) {}

  @Handles(listBreakers)
  async handle(
    @Payload() { state, q, cursor, limit = pageLimitDefault }: ListBreakersRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListBreakersReply> {
    const rows = await this.store.list(workspace, {
      state,
      words: (q ?? '').toLowerCase().split(/\s+/).filter(Boolean),
      after: cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!,
      limit: limit + 1,
    });
    return pageOf(rows, limit, ({ target }) => [target], breakerView);
  }
}
