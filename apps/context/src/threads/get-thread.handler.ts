import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getThread, GetThreadReply, GetThreadRequest } from '@signalbox/shared/contracts/context/get-thread.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { ThreadStore } from './thread.store.ts';
import { threadView } from './thread.view.ts';

@Controller()
export class GetThreadHandler {
  constructor(private readonly store: ThreadStore) {}

  @Handles(getThread)
  async handle(@Payload() { thread }: GetThreadRequest, @FromCaller() { workspace }: Caller): Promise<GetThreadReply> {
    return threadView(await this.store.find(workspace, toUuid(thread, 'thread')));
  }
}
