import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { acceptWork, type AcceptWorkReply, type AcceptWorkRequest } from '@signalbox/shared/contracts/execution/accept-work.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { requireTaskOf } from './require-task.ts';

@Controller()
export class AcceptWorkHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(acceptWork)
  async handle(@Payload() { task, instance }: AcceptWorkRequest, @FromCaller() caller: Caller): Promise<AcceptWorkReply> {
    requireTaskOf(this.engine, task, caller);
    await this.engine.dispatcher.accept(task, instance, caller.principal);
    return {};
  }
}
