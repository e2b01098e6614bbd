import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { startTask, StartTaskReply, StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { checkTarget } from './task.ts';
import { TaskRunner } from './task-runner.ts';

@Controller()
export class StartTaskHandler {
  constructor(private readonly runner: TaskRunner) {}

  @Handles(startTask)
  handle(@Payload() request: StartTaskRequest, @FromCaller() caller: Caller): StartTaskReply {
    checkTarget(request);
    this.runner.start(request, caller);
    return { instance: this.runner.instance };
  }
}
