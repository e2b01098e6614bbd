import { Injectable } from '@nestjs/common';
import { stageChanged } from '@signalbox/shared/contracts/registry/events.js';
import { stages, type Stage } from '@signalbox/shared/contracts/registry/stage.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';
import type { Holder, Move } from './facts.ts';

/** Moves read at once: of one version, or for the history. */
const movesMax = 500;

interface HolderRow {
  stage: Stage;
  version: number;
  previous: number | null;
  since: Date;
  by_principal: string;
  by_name: string;
}

interface MoveRow {
  move: Move['move'];
  stage: Stage;
  version: number;
  by_principal: string;
  by_name: string;
  by_roles: Move['roles'];
  reason: string | null;
  at: Date;
}

/** Who is at which stage of an agent, and all that was done to it. Every method works in a transaction of one workspace. */
@Injectable()
export class StageStore {
  constructor(
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  /** Which version is at each stage; in order of the stages. `agent` is a UUID, here and below. */
  async holders(tx: EntityManager, agent: string): Promise<Map<Stage, Holder>> {
    const rows = await rowsOf<HolderRow>(tx, `SELECT * FROM agent_stage WHERE agent = $1`, [agent]);
    const holders = rows.map(({ stage, version, previous, since, by_principal: by, by_name: byName }) => ({
      stage,
      version,
      previous,
      since,
      by,
      byName,
    }));
    return new Map(stages.flatMap((stage) => holders.filter((holder) => holder.stage === stage).map((holder) => [stage, holder] as const)));
  }

  /** What was done, the newest first; of one version if it is said. */
  async moves(tx: EntityManager, agent: string, { version, limit = movesMax }: { version?: number; limit?: number }): Promise<Move[]> {
    const rows = await rowsOf<MoveRow>(
      tx,
      `SELECT * FROM stage_move WHERE agent = $1 AND ($2::int IS NULL OR version = $2) ORDER BY id DESC LIMIT $3`,
      [agent, version ?? null, limit],
    );
    return rows.map(({ by_principal: by, by_name: byName, by_roles: roles, ...row }) => ({ ...row, by, byName, roles }));
  }

  /** Puts a version at a stage; the one that was there can come back. */
  async hold(tx: EntityManager, caller: Caller, agent: string, stage: Stage, version: number): Promise<void> {
    await tx.query(
      `INSERT INTO agent_stage AS s (workspace, agent, stage, version, previous, by_principal, by_name) VALUES ($1, $2, $3, $4, NULL, $5, $6)
       ON CONFLICT (workspace, agent, stage) DO UPDATE SET version = excluded.version, previous = s.version, since = now(),
         by_principal = excluded.by_principal, by_name = excluded.by_name`,
      [caller.workspace, agent, stage, version, caller.principal, caller.name],
    );
  }

  /** Takes away whoever is at a stage; the version that was there before is there again. Answers it; undefined: nobody is. */
  async release(tx: EntityManager, caller: Caller, agent: string, stage: Stage): Promise<number | undefined> {
    const rows = await changedRows<{ version: number }>(
      tx,
      `UPDATE agent_stage SET version = previous, previous = NULL, since = now(), by_principal = $3, by_name = $4
       WHERE agent = $1 AND stage = $2 AND previous IS NOT NULL RETURNING version`,
      [agent, stage, caller.principal, caller.name],
    );
    if (rows[0]) return rows[0].version;
    await tx.query(`DELETE FROM agent_stage WHERE agent = $1 AND stage = $2`, [agent, stage]);
    return undefined;
  }

  /** Writes into the history what was done, tells it, and keeps it in the audit. The agent must be locked. */
  async record(
    tx: EntityManager,
    caller: Caller,
    agent: { id: string; name: string },
    did: { move: Move['move']; stage: Stage; version: number; holder?: number | undefined; reason?: string | undefined },
  ): Promise<void> {
    const { move, stage, version, holder, reason } = did;
    await tx.query(
      `INSERT INTO stage_move (workspace, agent, id, move, stage, version, by_principal, by_name, by_roles, reason)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        caller.workspace,
        agent.id,
        newUuid(),
        move,
        stage,
        version,
        caller.principal,
        caller.name,
        JSON.stringify(caller.roles),
        reason ?? null,
      ],
    );
    const [row] = await changedRows<{ event_version: string }>(
      tx,
      `UPDATE agent SET event_version = event_version + 1 WHERE id = $1 RETURNING event_version`,
      [agent.id],
    );
    await this.outbox.append(tx, stageChanged, {
      workspace: caller.workspace,
      entity: agent.id,
      version: Number(row!.event_version),
      payload: {
        id: fromUuid('agent', agent.id),
        name: agent.name,
        change: move,
        stage,
        agentVersion: version,
        ...(holder !== undefined && { holder }),
        by: caller.principal,
      },
    });
    await this.audit.append(tx, caller, {
      action: `stage.${verbs[move]}`,
      target: `agent ${agent.name}`,
      detail: { version, stage, ...(holder !== undefined && { holder }), ...(reason !== undefined && { reason }) },
    });
  }

  /** Keeps in the audit that somebody asked for a promotion and was refused. */
  async recordRefusal(
    tx: EntityManager,
    caller: Caller,
    agent: string,
    stage: Stage,
    version: number,
    because: readonly string[],
  ): Promise<void> {
    await this.audit.append(tx, caller, {
      action: 'stage.promote',
      target: `agent ${agent}`,
      outcome: 'denied',
      detail: { version, stage, because: because.slice(0, 10) },
    });
  }
}

const verbs = { promoted: 'promote', demoted: 'demote', approved: 'approve' } as const;
