import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { acceptTask, type AcceptTaskReply, type AcceptTaskRequest } from '@signalbox/shared/contracts/execution/accept-task.js';
import { Engine } from '../shards/engine.ts';

@Controller()
export class AcceptTaskHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(acceptTask)
  async handle(@Payload() { task, instance }: AcceptTaskRequest): Promise<AcceptTaskReply> {
    await this.engine.dispatcher.accept(task, instance ?? 'protocol', undefined);
    return {};
  }
}
