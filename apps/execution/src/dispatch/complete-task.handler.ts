import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { completeTask, type CompleteTaskReply, type CompleteTaskRequest } from '@signalbox/shared/contracts/execution/complete-task.js';
import { Completion } from './completion.ts';

@Controller()
export class CompleteTaskHandler {
  constructor(private readonly completion: Completion) {}

  @Handles(completeTask)
  async handle(@Payload() request: CompleteTaskRequest, @FromCall() call: BusCall): Promise<CompleteTaskReply> {
    await call.life.whileAwaited(this.completion.complete(request, undefined));
    return {};
  }
}
