import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { FaultCause, Isolation, IsolationState } from '@signalbox/shared/contracts/registry/isolation.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { changedRows, rowsOf } from '../database/sql.ts';

/** The instance of a row that stands for a whole agent. */
export const wholeAgent = '';

export interface IsolationRow {
  workspace: string;
  agent: string;
  /** Empty: the agent with all of its instances. */
  instance: string;
  cause: FaultCause;
  because: string;
  state: IsolationState;
  attempt: number;
  incident: string;
  /** The deployment that took the agent out of routing for what it needs; null: that is not why. */
  deployment: string | null;
  by_principal: string;
  since: Date;
  next_at: Date | null;
}

/** What is isolated. Methods work in a transaction of one workspace, its agent locked, but for those that say otherwise. */
@Injectable()
export class IsolationStore {
  async find(tx: EntityManager, agent: string, instance: string): Promise<IsolationRow | null> {
    const rows = await rowsOf<IsolationRow>(tx, `SELECT * FROM isolation WHERE agent = $1 AND instance = $2`, [agent, instance]);
    return rows[0] ?? null;
  }

  of(tx: EntityManager, agent: string): Promise<IsolationRow[]> {
    return rowsOf<IsolationRow>(tx, `SELECT * FROM isolation WHERE agent = $1 ORDER BY instance`, [agent]);
  }

  /** `nextMs` null: nothing follows by itself. */
  async insert(
    tx: EntityManager,
    row: Pick<IsolationRow, 'workspace' | 'agent' | 'instance' | 'cause' | 'because' | 'incident' | 'by_principal' | 'attempt'> &
      Partial<Pick<IsolationRow, 'deployment'>>,
    nextMs: number | null,
  ): Promise<IsolationRow> {
    const rows = await rowsOf<IsolationRow>(
      tx,
      `INSERT INTO isolation (workspace, agent, instance, cause, because, state, attempt, incident, by_principal, next_at, deployment)
       VALUES ($1, $2, $3, $4, $5, 'isolated', $6, $7, $8, now() + $9::float8 * interval '1 millisecond', $10) RETURNING *`,
      [
        row.workspace,
        row.agent,
        row.instance,
        row.cause,
        row.because,
        row.attempt,
        row.incident,
        row.by_principal,
        nextMs,
        row.deployment ?? null,
      ],
    );
    return rows[0]!;
  }

  async move(
    tx: EntityManager,
    { agent, instance }: Pick<IsolationRow, 'agent' | 'instance'>,
    { state, attempt, nextMs }: { state: IsolationState; attempt: number; nextMs: number | null },
  ): Promise<IsolationRow> {
    const rows = await changedRows<IsolationRow>(
      tx,
      `UPDATE isolation SET state = $3, attempt = $4, next_at = now() + $5::float8 * interval '1 millisecond' WHERE agent = $1 AND instance = $2 RETURNING *`,
      [agent, instance, state, attempt, nextMs],
    );
    return rows[0]!;
  }

  async remove(tx: EntityManager, agent: string, instance: string): Promise<void> {
    await tx.query(`DELETE FROM isolation WHERE agent = $1 AND instance = $2`, [agent, instance]);
  }

  /** One more than asked for, by agent and instance. */
  list(
    tx: EntityManager,
    { agent, q = '', limit = pageLimitDefault, cursor }: { agent?: string; q?: string; limit?: number; cursor?: string },
  ): Promise<IsolationRow[]> {
    const [afterAgent = '', afterInstance = ''] = cursor === undefined ? [] : decodeCursor(cursor, 2);
    return rowsOf<IsolationRow>(
      tx,
      `SELECT * FROM isolation WHERE ($1 = '' OR (agent, instance) > ($1, $2)) AND ($3::text IS NULL OR agent = $3)
         AND position(lower($4) IN lower(agent || ' ' || instance || ' ' || because)) > 0
       ORDER BY agent, instance LIMIT $5`,
      [afterAgent, afterInstance, agent ?? null, q, limit + 1],
    );
  }

  /** Those of any workspace whose next attempt is due, by the system's role. */
  due(tx: EntityManager, max: number): Promise<IsolationRow[]> {
    return rowsOf<IsolationRow>(tx, `SELECT * FROM isolation WHERE next_at <= now() ORDER BY next_at LIMIT $1`, [max]);
  }

  /**
   * Those of any workspace whose instance will not come back: its process is known to have ended, or it is gone for so long. By the system's role. One that is
   * to be replaced is left to that.
   */
  left(tx: EntityManager, goneMs: number, max: number): Promise<IsolationRow[]> {
    return rowsOf<IsolationRow>(
      tx,
      `SELECT o.* FROM isolation AS o LEFT JOIN instance AS i ON i.workspace = o.workspace AND i.agent = o.agent AND i.instance = o.instance
       WHERE o.instance <> '' AND (o.next_at IS NULL OR i.runner = 'external') AND (i.id IS NULL OR (i.status = 'gone' AND (i.has_ended OR (
         i.changed_at < now() - $1 * interval '1 millisecond' AND NOT EXISTS (SELECT 1 FROM runner_process AS p
           WHERE p.workspace = o.workspace AND p.registered_agent = o.agent AND p.instance = o.instance)))))
       LIMIT $2`,
      [goneMs, max],
    );
  }

  /** How many instances of the agent are isolated that are not gone. */
  async countBeating(tx: EntityManager, agent: string): Promise<number> {
    const rows = await rowsOf<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM isolation JOIN instance USING (workspace, agent, instance) WHERE agent = $1 AND status <> 'gone'`,
      [agent],
    );
    return rows[0]!.count;
  }

  /** Instances of any workspace that are on trial, by the system's role. */
  onTrial(tx: EntityManager, max: number): Promise<IsolationRow[]> {
    return rowsOf<IsolationRow>(tx, `SELECT * FROM isolation WHERE state = 'trial' LIMIT $1`, [max]);
  }
}

/** What is isolated as it is shown. */
export function isolationView(row: IsolationRow): Isolation {
  return {
    agent: row.agent,
    instance: row.instance === wholeAgent ? null : row.instance,
    cause: row.cause,
    because: row.because,
    state: row.state,
    attempt: row.attempt,
    since: row.since.toISOString(),
    nextAt: row.next_at?.toISOString() ?? null,
    incident: fromUuid('incident', row.incident),
    by: row.by_principal,
  };
}
