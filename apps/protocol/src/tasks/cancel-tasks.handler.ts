import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { cancelTasks, CancelTasksReply, CancelTasksRequest } from '@signalbox/shared/contracts/protocol/cancel-tasks.js';
import { TaskRunner } from './task-runner.ts';

@Controller()
export class CancelTasksHandler {
  constructor(private readonly runner: TaskRunner) {}

  @Handles(cancelTasks)
  handle(@Payload() { tasks }: CancelTasksRequest): CancelTasksReply {
    return { stopped: this.runner.cancel(tasks) };
  }
}
