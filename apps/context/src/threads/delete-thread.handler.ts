import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteThread, DeleteThreadReply, DeleteThreadRequest } from '@signalbox/shared/contracts/context/delete-thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ThreadStore } from './thread.store.ts';

@Controller()
export class DeleteThreadHandler {
  constructor(private readonly store: ThreadStore) {}

  @Handles(deleteThread)
  async handle(@Payload() { thread }: DeleteThreadRequest, @FromCaller() caller: Caller): Promise<DeleteThreadReply> {
    await this.store.delete(caller, toUuid(thread, 'thread'));
    return {};
  }
}
