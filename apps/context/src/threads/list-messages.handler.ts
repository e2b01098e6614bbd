import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodePosition, encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import { listMessages, ListMessagesReply, ListMessagesRequest } from '@signalbox/shared/contracts/context/list-messages.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ThreadStore } from './thread.store.ts';
import { messageView } from './thread.view.ts';

@Controller()
export class ListMessagesHandler {
  constructor(private readonly store: ThreadStore) {}

  @Handles(listMessages)
  async handle(
    @Payload() { thread, order = 'asc', q, cursor, limit = pageLimitDefault }: ListMessagesRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListMessagesReply> {
    if (q !== undefined)
      throw new Fault('invalid', 'messages cannot be searched', 'Leave `q` out.', {
        errors: [{ pointer: '/q', detail: 'is not known here' }],
      });
    const id = toUuid(thread, 'thread');
    await this.store.find(workspace, id);
    const { messages, hasMore } = await this.store.messages(workspace, id, {
      order,
      from: cursor === undefined ? undefined : decodePosition(cursor, Number.MAX_SAFE_INTEGER + 1),
      limit,
    });
    return { data: messages.map((message) => messageView(id, message)), nextCursor: hasMore ? encodeCursor([messages.at(-1)!.seq]) : null };
  }
}
