import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listModels } from '@signalbox/shared/contracts/protocol/list-models.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { AgentHealth } from '../agents/agent-health.ts';
import { McpTools } from './mcp-tools.ts';
import { notYet, type StepContext, type StepMaker, type StepOutcome } from './step-outcome.ts';

const limitMs = 60_000;
const againMs = 1_000;

type Answer = { isWell: true; note: string } | { isWell: false; note: string };

/** Whether an agent answers: instances beat, the server lists its tools, the provider knows the model. */
@Injectable()
export class ProbeStep implements StepMaker {
  constructor(
    private readonly bus: Bus,
    private readonly db: WorkspaceDatabase,
    private readonly health: AgentHealth,
    private readonly tools: McpTools,
  ) {}

  async look(context: StepContext): Promise<StepOutcome> {
    const answer = await this.ask(context).catch((error: unknown): Answer => ({ isWell: false, note: Fault.from(error).detail }));
    const { kind } = context.agent.spec;
    if (kind === 'llm' || kind === 'http') {
      await this.db.inWorkspace(context.deployment.workspace, (tx) =>
        this.health.setProbe(tx, context.agent.name, answer.isWell, answer.note),
      );
    }
    return answer.isWell ? { state: 'done', note: answer.note } : notYet(context.fact, answer.note, { limitMs, againMs, now: now() });
  }

  private ask(context: StepContext): Promise<Answer> {
    switch (context.agent.spec.kind) {
      case 'worker':
        return Promise.resolve(workerAnswer(context));
      case 'mcp':
        return this.askServer(context);
      case 'llm':
        return this.askProvider(context);
      case 'http':
        return Promise.resolve(
          context.agent.breaker === 'open'
            ? { isWell: false, note: 'calls to it keep failing: its circuit breaker is open' }
            : { isWell: true, note: 'no call to it is failing; a contract test with a call asks it' },
        );
    }
  }

  private async askServer({ deployment, agent }: StepContext): Promise<Answer> {
    const { server } = agent.spec.mcp!;
    if (agent.serverStatus !== 'ready') return { isWell: false, note: `its MCP server ${server} is ${agent.serverStatus ?? 'unknown'}` };
    const offered = await this.tools.namesOf(server, await this.bus.as(deployment.bearer));
    return { isWell: true, note: `its MCP server ${server} is ready and lists ${offered.length} tools` };
  }

  private async askProvider({ deployment, agent }: StepContext): Promise<Answer> {
    const model = String(agent.spec.llm!['model']);
    const own = (agent.spec.llm!['provider'] as { baseUrl?: string } | undefined)?.baseUrl;
    if (own !== undefined) return { isWell: true, note: 'its provider is its own and is asked by its first call' };
    const { data } = await this.bus.request(listModels, {}, await this.bus.as(deployment.bearer));
    if (data.length === 0) return { isWell: false, note: 'no model provider is configured' };
    return data.some((known) => known.id === model)
      ? { isWell: true, note: `the provider knows the model ${model}` }
      : { isWell: false, note: `the provider knows no model ${model}` };
  }
}

function workerAnswer({ agent }: StepContext): Answer {
  if (agent.live > 0) return { isWell: true, note: agent.live === 1 ? '1 instance beats' : `${agent.live} instances beat` };
  return { isWell: false, note: 'none of its instances beats' };
}
