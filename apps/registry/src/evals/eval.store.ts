import { Injectable } from '@nestjs/common';
import { decodeCursor, decodePosition, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { EvalResult } from '@signalbox/shared/contracts/registry/eval.js';
import type { ListEvalAttemptsRequest } from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import type { ListEvalsRequest } from '@signalbox/shared/contracts/registry/list-evals.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { changedRows, Conditions, rowsOf, searchPatterns } from '../database/sql.ts';
import type { AttemptRow, EvalRow } from './eval-row.ts';
import type { Graded } from './graded.ts';

/** Evals of a suite that are kept, the newest; their evidence stays longer. */
const keptMax = 200;

/** Evals and their graded attempts. Every method works in a transaction of one workspace, whose rows alone it sees, unless it says so. */
@Injectable()
export class EvalStore {
  async insert(
    tx: EntityManager,
    row: Omit<EvalRow, 'status' | 'reason' | 'run' | 'result' | 'evidence' | 'created_at' | 'ended_at'>,
  ): Promise<EvalRow> {
    const rows = await rowsOf<EvalRow>(
      tx,
      `INSERT INTO eval (workspace, id, suite, suite_name, suite_version, agent, agent_name, agent_version, status, cases, repeats, confidence,
         against, graders, recorded, bearer, by_principal, by_name)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'running', $9, $10, $11, $12, $13, $14, $15, $16, $17) RETURNING *`,
      [
        ...[row.workspace, row.id, row.suite, row.suite_name, row.suite_version, row.agent, row.agent_name, row.agent_version],
        ...[
          row.cases,
          row.repeats,
          row.confidence,
          row.against,
          JSON.stringify(row.graders),
          row.recorded && JSON.stringify(row.recorded),
          row.bearer,
          row.by_principal,
          row.by_name,
        ],
      ],
    );
    await this.forgetOld(tx, row.suite);
    return rows[0]!;
  }

  async find(tx: EntityManager, id: string): Promise<EvalRow | null> {
    return (await rowsOf<EvalRow>(tx, `SELECT * FROM eval WHERE id = $1`, [id]))[0] ?? null;
  }

  /** One that runs, for the time of the transaction this caller's alone; null: it does not run any more. */
  async lockRunning(tx: EntityManager, id: string): Promise<EvalRow | null> {
    return (await rowsOf<EvalRow>(tx, `SELECT * FROM eval WHERE id = $1 AND status = 'running' FOR UPDATE`, [id]))[0] ?? null;
  }

  async countRunning(tx: EntityManager): Promise<number> {
    const rows = await rowsOf<{ count: number }>(tx, `SELECT count(*)::int AS count FROM eval WHERE status = 'running'`);
    return rows[0]!.count;
  }

  /** The run of an eval of the suite that runs, or the eval where it has none yet. */
  async runningOf(tx: EntityManager, suite: string): Promise<string | undefined> {
    const rows = await rowsOf<{ run: string }>(
      tx,
      `SELECT coalesce(run, id::text) AS run FROM eval WHERE suite = $1 AND status = 'running' LIMIT 1`,
      [suite],
    );
    return rows[0]?.run;
  }

  async setRun(tx: EntityManager, id: string, run: string): Promise<EvalRow | null> {
    return (await changedRows<EvalRow>(tx, `UPDATE eval SET run = $2 WHERE id = $1 RETURNING *`, [id, run]))[0] ?? null;
  }

  /** It has ended, without a result or with one. */
  async end(
    tx: EntityManager,
    id: string,
    how: { status: EvalRow['status']; reason?: string; result?: EvalResult; evidence?: string },
  ): Promise<EvalRow> {
    const rows = await changedRows<EvalRow>(
      tx,
      `UPDATE eval SET status = $2, reason = $3, result = $4, evidence = $5, bearer = NULL, ended_at = now() WHERE id = $1 RETURNING *`,
      [id, how.status, how.reason ?? null, how.result === undefined ? null : JSON.stringify(how.result), how.evidence ?? null],
    );
    return rows[0]!;
  }

  async addAttempts(tx: EntityManager, workspace: string, id: string, graded: readonly Graded[]): Promise<void> {
    const rows = graded.map((one, number) => ({
      ...{ number, case_index: one.caseIndex, case_name: one.case, repeat: one.repeat, outcome: one.outcome, score: one.score },
      ...{ grades: one.grades, error: one.error ?? null, duration_ms: one.durationMs ?? null, output: one.output },
      run: one.run ?? null,
    }));
    await tx.query(
      `INSERT INTO eval_attempt (workspace, eval, number, case_index, case_name, repeat, outcome, score, grades, error, duration_ms, output, run)
       SELECT $1, $2, * FROM jsonb_to_recordset($3::jsonb) AS r(number int, case_index int, case_name text, repeat int, outcome text,
         score double precision, grades jsonb, error text, duration_ms int, output text, run text)`,
      [workspace, id, JSON.stringify(rows).replaceAll(String.raw`\u0000`, String.raw`\ufffd`)],
    );
  }

  /** The newest eval of a version with the very same suite that has a result. */
  async newestOf(tx: EntityManager, of: Pick<EvalRow, 'suite' | 'suite_version' | 'agent'>, version: number): Promise<EvalRow | null> {
    const rows = await rowsOf<EvalRow>(
      tx,
      `SELECT * FROM eval WHERE suite = $1 AND suite_version = $2 AND agent = $3 AND agent_version = $4 AND status = 'succeeded'
       ORDER BY id DESC LIMIT 1`,
      [of.suite, of.suite_version, of.agent, version],
    );
    return rows[0] ?? null;
  }

  async scores(tx: EntityManager, id: string): Promise<{ caseIndex: number; score: number }[]> {
    const rows = await rowsOf<{ case_index: number; score: number }>(
      tx,
      `SELECT case_index, score FROM eval_attempt WHERE eval = $1 AND outcome <> 'diverged'`,
      [id],
    );
    return rows.map(({ case_index: caseIndex, score }) => ({ caseIndex, score }));
  }

  /** One more than asked for, the newest first. */
  list(tx: EntityManager, { suite, agent, version, status, q, limit = pageLimitDefault, cursor }: ListEvalsRequest): Promise<EvalRow[]> {
    const wanted = new Conditions();
    if (cursor !== undefined) wanted.add('id < $', toUuid(decodeCursor(cursor, 1)[0]!, 'eval'));
    if (suite !== undefined) wanted.add('suite_name = $', suite);
    if (agent !== undefined) wanted.add('agent_name = $', agent);
    if (version !== undefined) wanted.add('agent_version = $', version);
    if (status !== undefined) wanted.add('status = $', status);
    for (const pattern of searchPatterns(q)) wanted.add(`suite_name || ' ' || agent_name LIKE $`, pattern);
    return rowsOf<EvalRow>(tx, `SELECT * FROM eval WHERE ${wanted.text} ORDER BY id DESC LIMIT ${limit + 1}`, wanted.values);
  }

  /** One more than asked for, in order of the cases. */
  attempts(
    tx: EntityManager,
    id: string,
    { outcome, q, limit = pageLimitDefault, cursor }: Omit<ListEvalAttemptsRequest, 'id'>,
  ): Promise<AttemptRow[]> {
    const after = cursor === undefined ? -1 : decodePosition(cursor);
    return rowsOf<AttemptRow>(
      tx,
      `SELECT * FROM eval_attempt WHERE eval = $1 AND number > $2 AND ($3::text[] IS NULL OR outcome = ANY ($3)) AND lower(case_name) LIKE ALL ($4::text[])
       ORDER BY number LIMIT $5`,
      [id, after, outcome ?? null, searchPatterns(q), limit + 1],
    );
  }

  /** Evals that run and were not looked at for so long, taken for this look. In a transaction of the system. */
  takeDue(tx: EntityManager, olderMs: number, limit: number): Promise<EvalRow[]> {
    return changedRows<EvalRow>(
      tx,
      `UPDATE eval SET looked_at = now() WHERE (workspace, id) IN (
         SELECT workspace, id FROM eval WHERE status = 'running' AND looked_at <= now() - $1 * interval '1 millisecond'
         ORDER BY looked_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING *`,
      [olderMs, limit],
    );
  }

  private async forgetOld(tx: EntityManager, suite: string): Promise<void> {
    const rows = await changedRows<{ id: string }>(
      tx,
      `DELETE FROM eval WHERE status <> 'running' AND suite = $1
         AND id < (SELECT id FROM eval WHERE suite = $1 ORDER BY id DESC OFFSET $2 LIMIT 1) RETURNING id`,
      [suite, keptMax - 1],
    );
    if (rows.length > 0) await tx.query(`DELETE FROM eval_attempt WHERE eval = ANY ($1)`, [rows.map(({ id }) => id)]);
  }
}
