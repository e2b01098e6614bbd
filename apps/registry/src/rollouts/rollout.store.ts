import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { ListRolloutsRequest } from '@signalbox/shared/contracts/registry/list-rollouts.js';
import { rolloutChanged } from '@signalbox/shared/contracts/registry/rollout-changed.js';
import { rolloutEntriesMax, type RolloutMove, type RolloutPlan } from '@signalbox/shared/contracts/registry/rollout.js';
import { fromUuid, newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';
import { changedRows, Conditions, rowsOf, searchPatterns } from '../database/sql.ts';
import type { MirrorState } from './mirror-totals.ts';
import { shareOf, type RolloutEntryRow, type RolloutRow } from './rollout-row.ts';
import { figuresOf, noTotals, type Totals } from './totals.ts';

/** Rollouts of an agent that are kept, the newest. */
const keptMax = 100;

export interface NewRollout {
  workspace: string;
  agent: string;
  agentName: string;
  version: number;
  stable: number;
  plan: RolloutPlan;
  isReady: boolean;
  by: { principal: string; name: string };
}

/** What is written of a rollout; what is left out stays. */
export interface RolloutWrite extends Partial<Pick<RolloutRow, 'status' | 'reason' | 'step' | 'is_ready' | 'passed' | 'checks'>> {
  totals?: Totals;
  stableTotals?: Totals;
  mirror?: MirrorState;
}

/** Rollouts and their histories. Every method works in a transaction of one workspace, whose rows alone it sees, unless it says so. */
@Injectable()
export class RolloutStore {
  constructor(private readonly outbox: Outbox) {}

  async insert(tx: EntityManager, { workspace, agent, agentName, version, stable, plan, isReady, by }: NewRollout): Promise<RolloutRow> {
    const rows = await rowsOf<RolloutRow>(
      tx,
      `INSERT INTO rollout (workspace, id, agent, agent_name, version, stable, status, reason, plan, is_ready, stable_totals, totals, by_principal, by_name)
       VALUES ($1, $2, $3, $4, $5, $6, 'progressing', 'it has just begun', $7, $8, $9, $9, $10, $11) RETURNING *`,
      [
        ...[workspace, newUuid(), agent, agentName, version, stable, JSON.stringify(plan), isReady, JSON.stringify(noTotals())],
        ...[by.principal, by.name],
      ],
    );
    await this.forgetOld(tx, agent);
    return this.record(tx, rows[0]!, 'started', by.principal, `version ${version} begins to take the place of version ${stable}`);
  }

  async find(tx: EntityManager, id: string): Promise<RolloutRow | null> {
    return (await rowsOf<RolloutRow>(tx, `SELECT * FROM rollout WHERE id = $1`, [id]))[0] ?? null;
  }

  /** The newest of an agent: the one under way, where there is one. `agent` is a UUID. */
  async newestOf(tx: EntityManager, agent: string): Promise<RolloutRow | null> {
    return (await rowsOf<RolloutRow>(tx, `SELECT * FROM rollout WHERE agent = $1 ORDER BY id DESC LIMIT 1`, [agent]))[0] ?? null;
  }

  /** The one that is under way. The agent must be locked. */
  async openOf(tx: EntityManager, agent: string): Promise<RolloutRow | null> {
    return (await rowsOf<RolloutRow>(tx, `SELECT * FROM rollout WHERE agent = $1 AND ended_at IS NULL`, [agent]))[0] ?? null;
  }

  /** Those under way in any workspace, by the system's role, whose identifiers come after this one; the first if absent. */
  allOpen(
    tx: EntityManager,
    limit: number,
    after?: string,
  ): Promise<Pick<RolloutRow, 'workspace' | 'id' | 'agent_name' | 'version' | 'stable' | 'created_at'>[]> {
    return rowsOf(
      tx,
      `SELECT workspace, id, agent_name, version, stable, created_at FROM rollout
       WHERE ended_at IS NULL AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $1`,
      [limit, after ?? null],
    );
  }

  async write(tx: EntityManager, id: string, write: RolloutWrite): Promise<RolloutRow> {
    const { status, reason, step, is_ready: isReady, passed, checks, totals, stableTotals, mirror } = write;
    const [row] = await changedRows<RolloutRow>(
      tx,
      `UPDATE rollout SET status = coalesce($2, status), reason = coalesce($3, reason), step = coalesce($4, step),
         step_at = CASE WHEN $4::int IS NULL THEN step_at ELSE now() END, is_ready = coalesce($5, is_ready), passed = coalesce($6, passed),
         checks = coalesce($7::jsonb, checks), totals = coalesce($8::jsonb, totals), stable_totals = coalesce($9::jsonb, stable_totals),
         mirror = coalesce($10::jsonb, mirror), updated_at = now(),
         ended_at = CASE WHEN $2 IN ('promoted', 'rolled-back', 'superseded') THEN now() ELSE ended_at END
       WHERE id = $1 RETURNING *`,
      [
        ...[id, status ?? null, reason ?? null, step ?? null, isReady ?? null, passed ?? null],
        ...[checks, totals, stableTotals, mirror].map((value) => (value === undefined ? null : JSON.stringify(value))),
      ],
    );
    return row!;
  }

  /** The right to act for who began it, for as long as it is under way. */
  async setBearer(tx: EntityManager, id: string, bearer: string | null): Promise<void> {
    await tx.query(`UPDATE rollout SET bearer = $2 WHERE id = $1`, [id, bearer]);
  }

  /** Those of any workspace that have ended and still have it, by the system's role. */
  endedWithBearer(tx: EntityManager, limit: number): Promise<{ workspace: string; id: string; bearer: string }[]> {
    return rowsOf(tx, `SELECT workspace, id, bearer FROM rollout WHERE ended_at IS NOT NULL AND bearer IS NOT NULL LIMIT $1`, [limit]);
  }

  /** Adds to the history what has just been written, and tells it. `seen`: with these measures; those of now if absent. */
  async record(
    tx: EntityManager,
    { id, workspace }: Pick<RolloutRow, 'id' | 'workspace'>,
    move: RolloutMove,
    by: string,
    text: string,
    seen?: Pick<RolloutRow, 'totals' | 'stable_totals' | 'checks'>,
  ): Promise<RolloutRow> {
    const [row] = await changedRows<RolloutRow>(
      tx,
      `UPDATE rollout SET entries = entries + 1, event_version = event_version + 1 WHERE id = $1 RETURNING *`,
      [id],
    );
    const { agent_name: agent, version, stable, status, step, entries } = row!;
    const { stable_totals: stableTotals, totals, checks } = seen ?? row!;
    // The end is always kept.
    if (entries < rolloutEntriesMax || row!.ended_at !== null) {
      await tx.query(
        `INSERT INTO rollout_entry (workspace, rollout, number, move, step, by_principal, text, stable_figures, figures, checks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          ...[workspace, id, entries, move, step, by, text],
          ...[figuresOf(stable, stableTotals), figuresOf(version, totals), checks].map((value) => JSON.stringify(value)),
        ],
      );
    }
    await this.outbox.append(tx, rolloutChanged, {
      workspace,
      entity: id,
      version: Number(row!.event_version),
      payload: { id: fromUuid('rollout', id), agent, agentVersion: version, stable, move, status, step, share: shareOf(row!), by, text },
    });
    return row!;
  }

  /** What happened, the oldest first. */
  entries(tx: EntityManager, id: string): Promise<RolloutEntryRow[]> {
    return rowsOf(tx, `SELECT * FROM rollout_entry WHERE rollout = $1 ORDER BY number LIMIT $2`, [id, rolloutEntriesMax]);
  }

  /** One more than asked for, the newest first. */
  list(tx: EntityManager, { agent, version, status, q, limit = pageLimitDefault, cursor }: ListRolloutsRequest): Promise<RolloutRow[]> {
    const wanted = new Conditions();
    if (cursor !== undefined) wanted.add('id < $', toUuid(decodeCursor(cursor, 1)[0]!, 'rollout'));
    if (agent !== undefined) wanted.add('agent_name = $', agent);
    if (version !== undefined) wanted.add('version = $', version);
    if (status !== undefined) wanted.add('status = $', status);
    for (const pattern of searchPatterns(q)) wanted.add(`agent_name LIKE $`, pattern);
    return rowsOf<RolloutRow>(tx, `SELECT * FROM rollout WHERE ${wanted.text} ORDER BY id DESC LIMIT ${limit + 1}`, wanted.values);
  }

  private async forgetOld(tx: EntityManager, agent: string): Promise<void> {
    const rows = await changedRows<{ id: string }>(
      tx,
      `DELETE FROM rollout WHERE ended_at IS NOT NULL AND agent = $1
         AND id < (SELECT id FROM rollout WHERE agent = $1 ORDER BY id DESC OFFSET $2 LIMIT 1) RETURNING id`,
      [agent, keptMax - 1],
    );
    if (rows.length === 0) return;
    const gone = [rows.map(({ id }) => id)];
    await tx.query(`DELETE FROM rollout_entry WHERE rollout = ANY ($1)`, gone);
    await tx.query(`DELETE FROM rollout_pair WHERE rollout = ANY ($1)`, gone);
  }
}
