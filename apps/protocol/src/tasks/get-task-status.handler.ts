import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getTaskStatus, GetTaskStatusReply, GetTaskStatusRequest } from '@signalbox/shared/contracts/protocol/get-task-status.js';
import { TaskRunner } from './task-runner.ts';

@Controller()
export class GetTaskStatusHandler {
  constructor(private readonly runner: TaskRunner) {}

  @Handles(getTaskStatus)
  handle(@Payload() { tasks }: GetTaskStatusRequest): GetTaskStatusReply {
    return { instance: this.runner.instance, running: this.runner.running(tasks) };
  }
}
