import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { leaseTasks, type LeaseTasksReply, type LeaseTasksRequest } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Engine } from '../shards/engine.ts';
import { requireWorkerOf } from './worker-identity.ts';

@Controller()
export class LeaseTasksHandler {
  constructor(private readonly engine: Engine) {}

  @Handles(leaseTasks)
  async handle(@Payload() request: LeaseTasksRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<LeaseTasksReply> {
    requireWorkerOf(caller, request.agent);
    const signal = AbortSignal.any([call.signal, await this.engine.draining()]);
    const { tasks, cancelled } = await this.engine.dispatcher.leases.lease(caller, request, signal);
    return { tasks: tasks.map((task) => this.engine.dispatcher.leases.describe(task)), cancelled };
  }
}
