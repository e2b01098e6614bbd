import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { askTasks, type AskTasksReply, type AskTasksRequest } from '@signalbox/shared/contracts/execution/ask-tasks.js';
import { Engine } from '../shards/engine.ts';

@Controller()
export class AskTasksHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(askTasks)
  handle(@Payload() { tasks }: AskTasksRequest): AskTasksReply {
    return { gone: this.engine.dispatcher.gone(tasks) };
  }
}
