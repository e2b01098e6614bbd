import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import type { BusCall } from '@signalbox/shared/bus/bus-call.js';
import { FromCall, Handles } from '@signalbox/shared/bus/handles.js';
import { invokeAgent, type InvokeAgentReply, type InvokeAgentRequest } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '@signalbox/workflow/core/json.js';
import { hasEnded } from '@signalbox/workflow/core/state.js';
import { Engine } from '../shards/engine.ts';
import { definitionOf } from '@signalbox/workflow/language/definition.js';
import { invocationOf } from './invocation.ts';
import { RunFinder } from './run-finder.ts';
import { RunStarter } from './run-starter.ts';
import { runView } from './run-view.ts';

const waitDefaultMs = 30_000;
/** Between looks at a run that another replica owns. */
const elsewhereMs = 250;

@Controller()
export class InvokeAgentHandler {
  constructor(
    private readonly engine: Engine,
    private readonly starter: RunStarter,
    private readonly finder: RunFinder,
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
    if (waitMs === 0) return view;
    const signal = AbortSignal.any([call.signal, await this.engine.draining(), AbortSignal.timeout(waitMs)]);
    for (;;) {
      await this.engine.owner.untilEnded(uuid, signal);
      const current = await this.finder.view(caller.workspace, fromUuid('run', uuid), ({ state, facts }) => ({
        view: runView(state, facts),
        isOver: hasEnded(state),
      }));
      if (current.isOver || signal.aborted) return current.view;
      // Another replica has it: a repeated key found it there, or its shard has moved.
      await sleep(elsewhereMs, undefined, { signal }).catch(() => undefined);
    }
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
