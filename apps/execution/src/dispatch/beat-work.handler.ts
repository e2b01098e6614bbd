import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { beatWork, type BeatWorkReply, type BeatWorkRequest } from '@signalbox/shared/contracts/execution/beat-work.js';
import { partialMaxBytes } from '@signalbox/shared/contracts/execution/handover.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { Engine } from '../shards/engine.ts';
import { requireTaskOf } from './require-task.ts';

@Controller()
export class BeatWorkHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(beatWork)
  async handle(@Payload() request: BeatWorkRequest, @FromCaller() caller: Caller): Promise<BeatWorkReply> {
    const { tasks, instance, message, fraction, partial } = request;
    if (partial !== undefined && Buffer.byteLength(JSON.stringify(partial)) > partialMaxBytes)
      throw new Fault('invalid', `partial is larger than ${partialMaxBytes} bytes`, 'Keep it as an artifact and tell its reference.');
    for (const task of tasks) requireTaskOf(this.engine, task, caller);
    const cancelled = this.engine.dispatcher.beat(tasks, instance, caller.principal);
    this.engine.progress(tasks[0], caller.principal, { message, fraction, partial: partial as Json | undefined });
    return Promise.resolve({ cancelled });
  }
}
