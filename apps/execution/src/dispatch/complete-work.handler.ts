import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { completeWork, type CompleteWorkReply, type CompleteWorkRequest } from '@signalbox/shared/contracts/execution/complete-work.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { Completion } from './completion.ts';

@Controller()
export class CompleteWorkHandler {
  constructor(
    private readonly completion: Completion,
    private readonly engine: Engine,
  ) {}

  @Handles(completeWork)
  async handle(
    @Payload() request: CompleteWorkRequest,
    @FromCaller() caller: Caller,
    @FromCall() call: BusCall,
  ): Promise<CompleteWorkReply> {
    const { leases, tasks } = this.engine.dispatcher;
    const seat = leases.seat(tasks.get(request.task), request, caller);
    try {
      await call.life.whileAwaited(this.completion.complete(request, caller));
    } catch (thrown) {
      seat?.giveBack();
      throw thrown;
    }
    const next = seat?.leave() ?? [];
    return next.length === 0 ? {} : { tasks: next.map((task) => leases.describe(task)) };
  }
}
