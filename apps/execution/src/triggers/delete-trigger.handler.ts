import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteTrigger, type DeleteTriggerReply, type DeleteTriggerRequest } from '@signalbox/shared/contracts/execution/delete-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { TriggerStore } from './trigger.store.ts';

@Controller()
export class DeleteTriggerHandler {
  constructor(
    private readonly store: TriggerStore,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteTrigger)
  async handle(@Payload() { name }: DeleteTriggerRequest, @FromCaller() caller: Caller): Promise<DeleteTriggerReply> {
    await this.store.delete(caller.workspace, name, (tx) =>
      this.audit.append(tx, caller, { action: 'trigger.delete', target: `trigger ${name}` }),
    );
    return {};
  }
}
