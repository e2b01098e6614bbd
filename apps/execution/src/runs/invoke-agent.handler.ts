import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { invokeAgent, type InvokeAgentReply, type InvokeAgentRequest } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { Engine } from '../shards/engine.ts';
import { definitionOf } from '@signalbox/workflow/language/definition.js';
import { invocationOf } from './invocation.ts';
import { RunEnds } from './run-ends.ts';
import { RunStarter } from './run-starter.ts';

const waitDefaultMs = 30_000;

@Controller()
export class InvokeAgentHandler {
  constructor(
    private readonly engine: Engine,
    private readonly starter: RunStarter,
    private readonly ends: RunEnds,
  ) {}

  @Handles(invokeAgent)
  async handle(@Payload() request: InvokeAgentRequest, @FromCaller() caller: Caller, @FromCall() call: BusCall): Promise<InvokeAgentReply> {
    await this.requireAgent(caller, request);
    const { uuid, view } = await this.starter.start(
      caller,
      {
        workflow: `agent/${request.agent}`,
        definition: definitionOf(invocationOf(request)),
        input: (request.input ?? {}) as Json,
        labels: request.labels ?? {},
        priority: request.priority,
        idempotencyKey: request.idempotencyKey,
      },
      call.life,
    );
    const waitMs = request.waitMs ?? waitDefaultMs;
    return waitMs === 0 ? view : this.ends.viewOf(caller.workspace, uuid, waitMs, call.life);
  }

  /** A caller by name is told at once that there is no such agent or skill; a workflow's step learns it when it is sent. */
  private async requireAgent(caller: Caller, { agent, skill, version }: InvokeAgentRequest): Promise<void> {
    const { skills } = await this.engine.agents.find(caller.workspace, agent, caller);
    // Another version may have others.
    if (version !== undefined || skill === undefined || skills.length === 0 || skills.includes(skill)) return;
    throw new Fault(
      'not_found',
      `the agent ${agent} has no skill ${skill}; it has ${skills.slice(0, 20).join(', ')}`,
      'Use one of its skills.',
    );
  }
}
