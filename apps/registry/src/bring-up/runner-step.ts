import { Injectable } from '@nestjs/common';
import { LocalRunner, type WorkerOrder } from '../runners/local-runner.ts';
import type { StepContext, StepMaker, StepOutcome } from './step-outcome.ts';

/** Brings an agent up: the local runner starts processes, the external one waits for instances; what is called needs no start. */
@Injectable()
export class RunnerStep implements StepMaker {
  constructor(private readonly runner: LocalRunner) {}

  async look(context: StepContext): Promise<StepOutcome> {
    const { agent } = context;
    if (agent.spec.kind === 'mcp') return serverOutcome(context);
    if (agent.spec.kind !== 'worker') return { state: 'done', note: 'it is called where it is; there is nothing to start' };
    const wanted = agent.spec.worker?.replicas ?? 1;
    const order = workerOrder(context);
    if (order !== null) {
      const state = await this.runner.ensure(order);
      if (state.failure !== undefined) return { state: 'failed', note: state.failure };
      if (state.trouble !== undefined) return { state: 'begun', note: state.trouble };
      if (state.running < wanted) return { state: 'begun', note: 'its process is being started' };
    }
    if (agent.live >= wanted) return { state: 'done', note: wanted === 1 ? 'its instance beats' : `${wanted} instances beat` };
    return { state: 'begun', note: awaited(agent.live, wanted, order !== null) };
  }
}

/** What the local runner is to keep up for an agent; null where it is not the one who starts it. */
function workerOrder({ deployment, planned, agent }: Pick<StepContext, 'deployment' | 'planned' | 'agent'>): WorkerOrder | null {
  const worker = agent.spec.worker;
  if (agent.spec.kind !== 'worker' || worker?.runner !== 'local') return null;
  return {
    workspace: deployment.workspace,
    deployment: deployment.id,
    agent: planned.name,
    registered: { id: agent.id, name: agent.name, version: agent.version, hash: agent.hash },
    worker,
    grant: deployment.bearer,
  };
}

function awaited(live: number, wanted: number, isOurs: boolean): string {
  const who = isOurs ? 'its process runs' : 'somebody else starts it';
  return wanted === 1 ? `${who}; its first beat is awaited` : `${who}; ${live} of ${wanted} instances beat`;
}

function serverOutcome({ agent }: StepContext): StepOutcome {
  const server = agent.spec.mcp!.server;
  const reason = agent.serverReason === null ? '' : `: ${agent.serverReason}`;
  if (agent.serverStatus === 'ready' || agent.serverStatus === 'degraded')
    return { state: 'done', note: `its MCP server ${server} is ${agent.serverStatus}` };
  if (agent.serverStatus === 'failed') return { state: 'failed', note: `its MCP server ${server} has failed${reason}` };
  if (agent.serverStatus === null) return { state: 'begun', note: `no MCP server ${server} has been heard of; apply its manifest` };
  return { state: 'begun', note: `its MCP server ${server} is ${agent.serverStatus}${reason}` };
}
