import { Injectable } from '@nestjs/common';
import { LocalRunner } from '../runners/local-runner.ts';
import { Autoscaler } from '../scaling/autoscaler.ts';
import type { StepContext, StepMaker, StepOutcome } from './step-outcome.ts';
import { workerOrder } from './worker-order.ts';

/** Brings an agent up: the local runner starts processes, the external one waits for instances; what is called needs no start. */
@Injectable()
export class RunnerStep implements StepMaker {
  constructor(
    private readonly runner: LocalRunner,
    private readonly autoscaler: Autoscaler,
  ) {}

  async look(context: StepContext): Promise<StepOutcome> {
    const { agent } = context;
    if (agent.spec.kind === 'mcp') return serverOutcome(context);
    if (agent.spec.kind !== 'worker') return { state: 'done', note: 'it is called where it is; there is nothing to start' };
    const wanted = await this.wantedOf(context);
    const order = workerOrder(context, wanted);
    if (order !== null) {
      const state = await this.runner.ensure(order);
      if (state.failure !== undefined) return { state: 'failed', note: state.failure };
      if (state.trouble !== undefined) return { state: 'begun', note: state.trouble };
      if (state.running < wanted) return { state: 'begun', note: 'its process is being started' };
    }
    if (agent.live >= wanted) return { state: 'done', note: wanted === 1 ? 'its instance beats' : `${wanted} instances beat` };
    return { state: 'begun', note: awaited(agent.live, wanted, order !== null) };
  }

  /** What others run is up with the least of them: they scale it. */
  private async wantedOf({ deployment, planned, agent }: StepContext): Promise<number> {
    const { autoscale, replicas = 1, runner } = agent.spec.worker ?? {};
    if (autoscale === undefined) return replicas;
    return runner === 'local' ? this.autoscaler.wantedOf(deployment, planned.name, autoscale) : autoscale.min;
  }
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
