import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getTrigger, type GetTriggerReply, type GetTriggerRequest } from '@signalbox/shared/contracts/execution/get-trigger.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { TriggerStore } from './trigger.store.ts';

@Controller()
export class GetTriggerHandler {
  constructor(private readonly store: TriggerStore) {}

  @Handles(getTrigger)
  async handle(@Payload() { name }: GetTriggerRequest, @FromCaller() { workspace }: Caller): Promise<GetTriggerReply> {
    const { view, manifest } = await this.store.get(workspace, name);
    return { ...view, manifest: manifest as unknown as Record<string, unknown> };
  }
}
