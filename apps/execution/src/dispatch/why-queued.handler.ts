import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { whyQueued, type WhyQueuedReply, type WhyQueuedRequest } from '@signalbox/shared/contracts/execution/why-queued.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { causeOfLimit } from '../limits/limit-cause.ts';
import { Engine } from '../shards/engine.ts';

@Controller()
export class WhyQueuedHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(whyQueued)
  handle(@Payload() { task, limit }: WhyQueuedRequest): WhyQueuedReply {
    const { dispatcher } = this.engine;
    const cause = limit === undefined ? dispatcher.whyHere(task) : causeOfLimit(task, dispatcher.keeper.byId(limit));
    if (!cause) throw new Fault('not_found', `the task ${task} waits in no queue here`, 'Ask again in a moment.');
    const { kind, on, because, next, until = null } = cause;
    return { kind, on, because, next, until, holders: cause.holders() };
  }
}
