import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listTriggers, type ListTriggersReply, type ListTriggersRequest } from '@signalbox/shared/contracts/execution/list-triggers.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { TriggerStore } from './trigger.store.ts';

@Controller()
export class ListTriggersHandler {
  constructor(private readonly store: TriggerStore) {}

  @Handles(listTriggers)
  handle(@Payload() filter: ListTriggersRequest, @FromCaller() { workspace }: Caller): Promise<ListTriggersReply> {
    return this.store.list(workspace, filter);
  }
}
