import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { tellQueue, type TellQueueReply, type TellQueueRequest } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { Engine } from '../shards/engine.ts';

@Controller()
export class TellQueueHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(tellQueue)
  handle(@Payload() { words }: TellQueueRequest): TellQueueReply {
    const { others, tasks, keeper } = this.engine.dispatcher;
    for (const word of words) {
      if (word.claim !== undefined) keeper.hear(word);
      // Of a run that has come here meanwhile, its former owner knows nothing any more.
      else if (!tasks.has(word.task)) others.hear(word);
    }
    return {};
  }
}
