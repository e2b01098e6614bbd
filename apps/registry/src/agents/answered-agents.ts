import { Injectable } from '@nestjs/common';
import type { InstanceMeasure } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { AgentHealth } from './agent-health.ts';

/** An agent that answered is not looked up again for so long. */
const quietMs = 30_000;
const agentsMax = 10_000;

/** Agents that are called and answer: a breaker that never opened tells nothing of itself, so their first good call says that it is closed. */
@Injectable()
export class AnsweredAgents {
  /** By workspace and agent: when it was looked up, on the monotonic clock. */
  private readonly known = new Map<string, number>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly health: AgentHealth,
  ) {}

  async hear(workspace: string, measured: readonly InstanceMeasure[]): Promise<void> {
    const at = performance.now();
    const keyOf = (agent: string): string => `${workspace} ${agent}`;
    const isNews = ({ agent, succeeded }: InstanceMeasure): boolean =>
      succeeded > 0 && at - (this.known.get(keyOf(agent)) ?? -quietMs) >= quietMs;
    const agents = [...new Set(measured.filter(isNews).map(({ agent }) => agent))].sort();
    if (agents.length === 0) return;
    await this.db.inWorkspace(workspace, (tx) => this.health.answered(tx, agents));
    if (this.known.size + agents.length > agentsMax) this.known.clear();
    for (const agent of agents) this.known.set(keyOf(agent), at);
  }
}
