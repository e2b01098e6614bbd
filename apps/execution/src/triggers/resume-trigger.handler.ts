import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { resumeTrigger, type ResumeTriggerReply, type ResumeTriggerRequest } from '@signalbox/shared/contracts/execution/resume-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { TriggerStore } from './trigger.store.ts';

@Controller()
export class ResumeTriggerHandler {
  constructor(
    private readonly store: TriggerStore,
    private readonly audit: Audit,
  ) {}

  @Handles(resumeTrigger)
  async handle(@Payload() { name }: ResumeTriggerRequest, @FromCaller() caller: Caller): Promise<ResumeTriggerReply> {
    const { view } = await this.store.setPaused(caller.workspace, name, null, (tx) =>
      this.audit.append(tx, caller, { action: 'trigger.resume', target: `trigger ${name}` }),
    );
    return view;
  }
}
