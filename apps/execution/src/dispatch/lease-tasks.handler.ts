import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { leaseTasks, type LeaseTasksReply, type LeaseTasksRequest } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { agentQueueKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { requireWorkerOf } from './worker-identity.ts';

@Controller()
export class LeaseTasksHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(leaseTasks)
  async handle(@Payload() request: LeaseTasksRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<LeaseTasksReply> {
    requireWorkerOf(caller, request.agent);
    if (!this.engine.owns(shardOfQueue(agentQueueKey(caller.workspace, request.agent)))) {
      const next = 'Ask again in a moment.';
      throw new Fault('unavailable', 'the queue of this agent has no owner at the moment', next, {
        service: 'execution',
        retryAfterMs: 250,
      });
    }
    const signal = AbortSignal.any([call.signal, await this.engine.draining()]);
    const { tasks, cancelled } = await this.engine.dispatcher.leases.lease(caller, request, signal);
    return { tasks: tasks.map((task) => this.engine.dispatcher.leases.describe(task)), cancelled };
  }
}
