import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pauseTrigger, type PauseTriggerReply, type PauseTriggerRequest } from '@signalbox/shared/contracts/execution/pause-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { TriggerStore } from './trigger.store.ts';

@Controller()
export class PauseTriggerHandler {
  constructor(
    private readonly store: TriggerStore,
    private readonly audit: Audit,
  ) {}

  @Handles(pauseTrigger)
  async handle(@Payload() { name, reason }: PauseTriggerRequest, @FromCaller() caller: Caller): Promise<PauseTriggerReply> {
    const { view } = await this.store.setPaused(caller.workspace, name, { reason, by: caller.name }, (tx) =>
      this.audit.append(tx, caller, {
        action: 'trigger.pause',
        target: `trigger ${name}`,
        ...(reason !== undefined && { detail: { reason } }),
      }),
    );
    return view;
  }
}
