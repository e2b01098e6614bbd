import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import type { ApplyBudgetRequest } from '@signalbox/shared/contracts/execution/apply-budget.js';
import type { GetBudgetReply } from '@signalbox/shared/contracts/execution/get-budget.js';
import type { BudgetPeriod, BudgetView } from '@signalbox/shared/contracts/execution/budget-view.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { measures } from '@signalbox/workflow/core/budget.js';
import type { EntityManager } from 'typeorm';
import { budgetsMax } from './above-budgets.ts';
import { amountsSql, begunSql, columnOf, columns, spentSql, valuesOf, type Amounts } from './budget-row.ts';

interface BudgetRow extends Amounts {
  scope: string;
  description: string | null;
  labels: Record<string, string>;
  period: BudgetPeriod;
  renews_at: Date | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

const selected = `SELECT b.scope, b.description, b.labels, b.period, ${amountsSql}, b.version, b.created_at, b.updated_at,
    CASE WHEN b.period <> 'total' THEN date_trunc(b.period, now(), 'UTC') + ('1 ' || b.period)::interval END AS renews_at`;
const select = `${selected} FROM budget b`;
const getSql = `${select} WHERE b.workspace = $1 AND b.scope = $2`;
const sumsSql = measures.map((measure) => `'${measure}', coalesce(sum(s.${columns[measure]}), 0)`).join(', ');
const detailSql = `${selected}, (SELECT jsonb_build_object(${sumsSql}) FROM budget_slice s WHERE s.workspace = b.workspace AND s.scope = b.scope) AS slices
  FROM budget b WHERE b.workspace = $1 AND b.scope = $2`;
const listSql = `${select} WHERE b.workspace = $1 AND b.scope > $2 AND ($3 = '' OR strpos(b.scope, lower($3)) > 0) ORDER BY b.scope LIMIT $4`;

const said = (['limit', 'per_call'] as const).flatMap((kind) => measures.map((measure) => columnOf(kind, measure)));
const insertSql = `INSERT INTO budget AS b (workspace, scope, period, description, labels, ${said.join(', ')})
  VALUES ($1, $2, $3, nullif($4, ''), coalesce($5::jsonb, '{}'), ${said.map((_, at) => `$${at + 6}::numeric`).join(', ')})`;
// What is spent in a period that is over is nothing to the next, whatever it is called.
const updateSql = `UPDATE budget b SET period = $3, description = CASE WHEN $4::text IS NULL THEN b.description ELSE nullif($4, '') END,
    labels = coalesce($5::jsonb, b.labels), ${said.map((column, at) => `${column} = $${at + 6}::numeric`).join(', ')},
    ${measures.map((measure) => `${columnOf('spent', measure)} = ${spentSql(measure)}`).join(', ')},
    period_start = CASE WHEN b.period = $3 THEN ${begunSql} ELSE now() END, version = b.version + 1, updated_at = now()
  WHERE b.workspace = $1 AND b.scope = $2`;

/** Rows of budgets, under row security of the caller's workspace. */
@Injectable()
export class BudgetStore {
  constructor(private readonly db: WorkspaceDatabase) {}

  /** `not_found` when there is none. */
  async get(workspace: string, scope: string): Promise<GetBudgetReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<(BudgetRow & Pick<GetBudgetReply, 'slices'>)[]>(detailSql, [workspace, scope]),
    );
    const [row] = rows;
    if (!row) throw unknownBudget(scope);
    return { ...viewOf(row), slices: row.slices };
  }

  async list(
    workspace: string,
    { limit = pageLimitDefault, cursor, q = '' }: { limit?: number; cursor?: string; q?: string },
  ): Promise<{ data: BudgetView[]; nextCursor: string | null }> {
    const after = cursor === undefined ? '' : (decodeCursor(cursor, 1)[0] as string);
    const rows = await this.db.inWorkspace(workspace, (tx) => tx.query<BudgetRow[]>(listSql, [workspace, after, q, limit + 1]));
    return pageOf(rows, limit, ({ scope }) => [scope], viewOf);
  }

  /** Writes its limits where `decide`, which sees what stands there and may refuse, says so. `written` runs in the same transaction. */
  apply(
    workspace: string,
    request: ApplyBudgetRequest,
    decide: (current: BudgetView | null) => boolean,
    written: (tx: EntityManager) => Promise<void>,
  ): Promise<BudgetView> {
    const { scope, limit, perCall = {}, period = 'total', description = null, labels } = request;
    return this.db.inWorkspace(workspace, async (tx) => {
      // Two that create it at once: the second finds it.
      await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`budget ${workspace}`]);
      await tx.query(`SELECT 1 FROM budget WHERE workspace = $1 AND scope = $2 FOR UPDATE`, [workspace, scope]);
      const current = await find(tx, workspace, scope);
      if (!decide(current)) return current ?? unmade(request);
      if (current === null) await requireRoom(tx, workspace);
      const amounts = [...valuesOf(limit), ...valuesOf(perCall)];
      await tx.query(current === null ? insertSql : updateSql, [
        workspace,
        scope,
        period,
        description,
        labels === undefined ? null : JSON.stringify(labels),
        ...amounts,
      ]);
      await written(tx);
      return (await find(tx, workspace, scope)) as BudgetView;
    });
  }

  /** `not_found` when there is none. */
  delete(workspace: string, scope: string, written: (tx: EntityManager) => Promise<void>): Promise<void> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [gone] = await tx.query<[{ scope: string }[], number]>(
        `DELETE FROM budget WHERE workspace = $1 AND scope = $2 RETURNING scope`,
        [workspace, scope],
      );
      if (gone.length === 0) throw unknownBudget(scope);
      await written(tx);
    });
  }
}

async function find(tx: EntityManager, workspace: string, scope: string): Promise<BudgetView | null> {
  const [row] = await tx.query<BudgetRow[]>(getSql, [workspace, scope]);
  return row ? viewOf(row) : null;
}

async function requireRoom(tx: EntityManager, workspace: string): Promise<void> {
  const [count] = await tx.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM budget WHERE workspace = $1`, [workspace]);
  if ((count?.n ?? 0) < budgetsMax) return;
  throw new Fault('limited', `the workspace has ${budgetsMax} budgets`, 'Delete those that are not needed any more.');
}

/** One that would be made. */
function unmade({ scope, limit, perCall = {}, period = 'total', description, labels = {} }: ApplyBudgetRequest): BudgetView {
  const at = new Date(now()).toISOString();
  const none = { tokens: 0, costUsd: 0, steps: 0 };
  const sums = { spent: none, given: none };
  return {
    scope,
    description: description || null,
    labels,
    period,
    limit,
    perCall,
    ...sums,
    renewsAt: null,
    version: 0,
    createdAt: at,
    updatedAt: at,
  };
}

function viewOf({
  scope,
  description,
  labels,
  period,
  limit,
  per_call,
  spent,
  given,
  renews_at,
  version,
  created_at,
  updated_at,
}: BudgetRow): BudgetView {
  return {
    scope,
    description,
    labels,
    period,
    limit,
    perCall: per_call,
    spent,
    given,
    renewsAt: renews_at?.toISOString() ?? null,
    version,
    createdAt: created_at.toISOString(),
    updatedAt: updated_at.toISOString(),
  };
}

function unknownBudget(scope: string): Fault {
  return new Fault('not_found', `there is no budget ${scope}`, 'See those that there are with `signalbox budgets`.');
}
