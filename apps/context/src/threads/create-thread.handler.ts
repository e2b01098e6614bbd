import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { createThread, CreateThreadReply, CreateThreadRequest } from '@signalbox/shared/contracts/context/create-thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { checkLabels } from './thread.ts';
import { ThreadStore } from './thread.store.ts';
import { threadView } from './thread.view.ts';

@Controller()
export class CreateThreadHandler {
  constructor(private readonly store: ThreadStore) {}

  @Handles(createThread)
  async handle(
    @Payload() { title, labels = {}, idempotencyKey }: CreateThreadRequest,
    @FromCaller() caller: Caller,
  ): Promise<CreateThreadReply> {
    const made = await this.store.create(caller, {
      title: title ?? null,
      labels: checkLabels(labels),
      idempotencyKey: idempotencyKey ?? null,
    });
    return threadView(made);
  }
}
