import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { startRun, type StartRunReply, type StartRunRequest } from '@signalbox/shared/contracts/execution/start-run.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { RunEnds } from './run-ends.ts';
import { RunStarter } from './run-starter.ts';

@Controller()
export class StartRunHandler {
  constructor(
    private readonly starter: RunStarter,
    private readonly workflows: WorkflowStore,
    private readonly ends: RunEnds,
  ) {}

  @Handles(startRun)
  async handle(@Payload() request: StartRunRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<StartRunReply> {
    const startable = await this.workflows.startable(caller.workspace, request.workflow);
    if (!startable) throw unknownWorkflow(request.workflow);
    const { uuid, view } = await this.starter.start(
      caller,
      {
        workflow: request.workflow,
        ...startable,
        input: (request.input ?? {}) as Json,
        labels: request.labels ?? {},
        timeoutMs: request.timeoutMs,
        priority: request.priority,
        idempotencyKey: request.idempotencyKey,
      },
      call.life,
    );
    const waitMs = request.waitMs ?? 0;
    return waitMs === 0 ? view : this.ends.viewOf(caller.workspace, uuid, waitMs, call.life);
  }
}
