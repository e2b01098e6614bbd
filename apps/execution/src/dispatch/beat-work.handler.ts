import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { beatWork, type BeatWorkReply, type BeatWorkRequest } from '@signalbox/shared/contracts/execution/beat-work.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { requireTaskOf } from './require-task.ts';

@Controller()
export class BeatWorkHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(beatWork)
  async handle(@Payload() { tasks, instance, message, fraction }: BeatWorkRequest, @FromCaller() caller: Caller): Promise<BeatWorkReply> {
    for (const task of tasks) requireTaskOf(this.engine, task, caller);
    const cancelled = this.engine.dispatcher.beat(tasks, instance, caller.principal);
    this.engine.progress(tasks[0], caller.principal, message, fraction);
    return Promise.resolve({ cancelled });
  }
}
