import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { beatTasks, type BeatTasksReply, type BeatTasksRequest } from '@signalbox/shared/contracts/execution/beat-tasks.js';
import { Engine } from '../shards/engine.ts';

@Controller()
export class BeatTasksHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(beatTasks)
  async handle(@Payload() { tasks, message, fraction }: BeatTasksRequest): Promise<BeatTasksReply> {
    const cancelled = this.engine.dispatcher.beat(tasks, undefined, undefined);
    this.engine.progress(tasks[0], undefined, { message, fraction, partial: undefined });
    return Promise.resolve({ cancelled });
  }
}
