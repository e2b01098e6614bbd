import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AgentHealth } from '../agents/agent-health.ts';
import { AgentStore, type AgentVersionRow } from '../agents/agent.store.ts';
import { rowsOf } from '../database/sql.ts';
import { RolloutStore } from '../rollouts/rollout.store.ts';

/** A version that has been current for longer was good: what is wrong then is something else. */
const youngMs = 86_400_000;

/** Goes back to the version of an agent that was current before the one that fails. */
@Injectable()
export class Rollback {
  constructor(
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly rollouts: RolloutStore,
  ) {}

  /**
   * Makes what the version before was the current one, as a new version: once, and not from a version that has been current for a day. Null: there is none to go
   * back to. The agent must be locked.
   */
  async begin(tx: EntityManager, name: string): Promise<{ from: number; to: number } | null> {
    const agent = await this.agents.find(tx, name);
    if (agent === null) return null;
    const open = await this.rollouts.openOf(tx, agent.id);
    // The version that comes in is what changed last.
    if (open !== null) {
      await this.rollouts.write(tx, open.id, { status: 'rolled-back', reason: unsteady });
      await this.rollouts.record(tx, open, 'rolled-back', rolledBackBy, unsteady);
      await this.health.tell(tx, name, 'routing');
      return { from: open.version, to: open.stable };
    }
    const [before] = await rowsOf<AgentVersionRow>(
      tx,
      `SELECT b.* FROM agent_version AS b JOIN agent_version AS c ON c.agent = b.agent AND c.version = $2
       WHERE b.agent = $1 AND b.current_at < c.current_at AND c.current_at > now() - $3 * interval '1 millisecond' AND c.created_by <> $4
       ORDER BY b.current_at DESC LIMIT 1`,
      [agent.id, agent.version, youngMs, rolledBackBy],
    );
    if (before === undefined) return null;
    const version = (await this.agents.lock(tx, name))!.latest + 1;
    await this.agents.update(tx, before.manifest, version, before.hash);
    await this.agents.insertVersion(tx, agent.workspace, agent.id, {
      version,
      hash: before.hash,
      manifest: before.manifest,
      createdBy: rolledBackBy,
    });
    await this.health.refresh(tx, name);
    await this.health.tell(tx, name, 'manifest');
    return { from: agent.version, to: before.version };
  }
}

const unsteady = 'processes of the agent do not stay up';
/** Who made a version that is a return to an earlier one. */
export const rolledBackBy = 'registry';
