import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { appendMessage, AppendMessageReply, AppendMessageRequest } from '@signalbox/shared/contracts/context/append-message.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { KnownRuns } from '../runs/known-runs.ts';
import { encodeContent } from './thread.ts';
import { ThreadStore } from './thread.store.ts';
import { messageView } from './thread.view.ts';

@Controller()
export class AppendMessageHandler {
  constructor(
    private readonly store: ThreadStore,
    private readonly runs: KnownRuns,
  ) {}

  @Handles(appendMessage)
  async handle(
    @Payload() { thread, role, content, name, run, idempotencyKey }: AppendMessageRequest,
    @FromCaller() caller: Caller,
  ): Promise<AppendMessageReply> {
    const id = toUuid(thread, 'thread');
    if (run !== undefined) await this.runs.require(caller, run);
    const message = await this.store.append(caller, id, {
      role,
      content: encodeContent(content),
      name: name ?? null,
      run: run === undefined ? null : toUuid(run, 'run'),
      idempotencyKey: idempotencyKey ?? null,
    });
    return messageView(id, message);
  }
}
