import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { amountText, measures, totalOf, type Limits, type Spend } from '@signalbox/workflow/core/budget.js';
import type { Failure } from '@signalbox/workflow/core/events.js';
import { limited } from '@signalbox/workflow/core/spending.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { readJournals, type Queryable } from '../journal/journal-reader.ts';
import { Definitions } from '../workflows/definitions.ts';
import { amountsSql, begunSql, columnOf, columns, spentSql, valuesOf, type Amounts } from './budget-row.ts';
import { sliceFor, unknownOf, type Slice } from './slice.ts';

const sweepMs = 5_000;
/** Slices looked at in one pass. */
const page = 1_000;
/** Where a budget is gone, or does not limit a measure, a run is given this many calls ahead. */
const freeCalls = 10;

const standingSql = `SELECT b.period, ${amountsSql} FROM budget b WHERE b.workspace = $1 AND b.scope = $2`;
const heldSql = `${standingSql} FOR UPDATE`;

// Read once the budget's row is held: who settles the run holds it, too.
const partSql = `SELECT EXISTS (SELECT 1 FROM run WHERE run_id = $1 AND workspace = $2 AND status = 'running') AS lives,
    coalesce((SELECT tokens FROM budget_slice WHERE run_id = $1 AND workspace = $2 AND scope = $3), 0)::float8 AS tokens,
    coalesce((SELECT cost_usd FROM budget_slice WHERE run_id = $1 AND workspace = $2 AND scope = $3), 0)::float8 AS "costUsd",
    coalesce((SELECT steps FROM budget_slice WHERE run_id = $1 AND workspace = $2 AND scope = $3), 0)::float8 AS steps`;

const anew = `period_start = ${begunSql}`;

const takeSql = `WITH taken AS (
    UPDATE budget b SET ${measures.map((each, at) => `${columnOf('given', each)} = b.${columnOf('given', each)} + $${4 + at}::numeric`).join(', ')},
      ${measures.map((each) => `${columnOf('spent', each)} = ${spentSql(each)}`).join(', ')}, ${anew}
     WHERE b.workspace = $2 AND b.scope = $3 RETURNING b.scope
  )
  INSERT INTO budget_slice AS s (run_id, workspace, scope, tokens, cost_usd, steps)
  SELECT $1::uuid, $2::uuid, scope, $4::numeric, $5::numeric, $6::numeric FROM taken
  ON CONFLICT (run_id, workspace, scope) DO UPDATE
    SET tokens = s.tokens + excluded.tokens, cost_usd = s.cost_usd + excluded.cost_usd, steps = s.steps + excluded.steps`;

const holdSql = `SELECT 1 FROM budget b
  WHERE (b.workspace, b.scope) IN (SELECT workspace, scope FROM budget_slice WHERE run_id = $1) ORDER BY b.workspace, b.scope FOR UPDATE`;

const settleSql = `WITH gone AS (
    DELETE FROM budget_slice WHERE run_id = $1 RETURNING workspace, scope, tokens AS given_tokens, cost_usd AS given_cost_usd, steps AS given_steps
  ), used AS (
    SELECT g.*, coalesce(u.tokens, g.given_tokens) AS tokens, coalesce(u."costUsd", g.given_cost_usd) AS cost_usd, coalesce(u.steps, g.given_steps) AS steps
      FROM gone g LEFT JOIN jsonb_to_recordset($2::jsonb) AS u (scope text, tokens numeric, "costUsd" numeric, steps numeric) USING (scope)
  )
  UPDATE budget b SET
    ${measures.map((each) => `${columnOf('given', each)} = b.${columnOf('given', each)} - used.${columnOf('given', each)}`).join(', ')},
    ${measures.map((each) => `${columnOf('spent', each)} = ${spentSql(each)} + used.${columns[each]}`).join(', ')}, ${anew}
    FROM used WHERE b.workspace = used.workspace AND b.scope = used.scope`;

const leftSql = `SELECT s.run_id, r.workspace, r.definition, r.run_id IS NULL OR r.status <> 'running' AS "isOver"
  FROM (SELECT DISTINCT run_id FROM budget_slice WHERE run_id > $1 ORDER BY run_id LIMIT $2) s LEFT JOIN run r ON r.run_id = s.run_id
  ORDER BY s.run_id`;

interface Left {
  run_id: string;
  workspace: string | null;
  definition: string | null;
  isOver: boolean;
}

interface Used extends Spend {
  scope: string;
}

/** Of which run and budget. */
export interface Ask {
  workspace: string;
  scope: string;
  run: string;
  /** What the run has of it by its journal. */
  have: Limits;
  /** How much more it needs. */
  wants: Limits;
}

/** What a run that asks for more is told: it is given so much; there is not enough; or undefined: it has ended. */
export type Answer = { more: Limits } | { error: Failure; mayComeBack: boolean } | undefined;

/** Slices of the budgets above runs: taken before anything is used of them, settled when their run has ended. */
@Injectable()
export class BudgetLedger implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private isSweeping = false;
  private swept = nil;

  constructor(
    private readonly system: SystemDatabase,
    private readonly definitions: Definitions,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.sweep(), sweepMs);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  /** Takes a slice of a budget for a run, if it has one so large to give. */
  async take(ask: Ask): Promise<Answer> {
    // Where it has not, nobody is kept from the row by those who only look.
    const seen = await look(this.system.source, standingSql, ask);
    if (seen.adds === undefined) return seen.answer;
    return this.system.run(async (tx) => {
      const held = await look(tx, heldSql, ask);
      if (held.adds === undefined) return held.answer;
      const { workspace, scope, run } = ask;
      const values = valuesOf(held.adds);
      if (values.some((amount) => amount !== 0)) await tx.query(takeSql, [run, workspace, scope, ...values]);
      return held.answer;
    });
  }

  /** A run has ended: what it used of the budgets above it is spent, the rest of its slices free again. The second time nothing happens. */
  async settle(run: string, state: RunState): Promise<void> {
    const accounts = [...(state.budget?.above.values() ?? [])];
    const isGiven = accounts.some(({ limit }) => Object.values(limit).some((amount) => amount > 0));
    if (isGiven) await this.close(run, usedIn(state));
  }

  private close(run: string, used: readonly Used[]): Promise<void> {
    return this.system.run(async (tx) => {
      await tx.query(holdSql, [run]);
      await tx.query(settleSql, [run, JSON.stringify(used)]);
    });
  }

  /** Settles what ended runs have left: nobody did when their owner was killed. */
  private async sweep(): Promise<void> {
    if (this.isSweeping) return;
    this.isSweeping = true;
    try {
      const rows: Left[] = await this.system.source.query(leftSql, [this.swept, page]);
      this.swept = rows.length < page ? nil : (rows.at(-1) as Left).run_id;
      for (const row of rows) {
        if (!row.isOver) continue;
        // One that cannot be read keeps what it has; the others do not wait for it.
        await this.settleLeft(row).catch((err: unknown) => log.warn('a run’s part of budgets was not settled', { run: row.run_id, err }));
      }
    } catch (err) {
      log.warn('what ended runs have left of budgets was not settled: it is tried again', { err });
    } finally {
      this.isSweeping = false;
    }
  }

  /** Of a run that is not kept any more nobody knows what it used: then it is all that it had. */
  private async settleLeft({ run_id, workspace, definition }: Left): Promise<void> {
    if (workspace === null || definition === null) return this.close(run_id, []);
    const journal = (await readJournals(this.system.source, [run_id])).get(run_id) ?? [];
    const transitions = journal.flatMap((each) => each.transitions);
    const state = await this.definitions.restore(this.system.source, workspace, run_id, definition, transitions);
    await this.close(run_id, usedIn(state));
  }
}

const nil = '00000000-0000-0000-0000-000000000000';

/** What a run can be told, and what that adds to its slice. */
async function look(db: Queryable, sql: string, { workspace, scope, run, have, wants }: Ask): Promise<{ answer: Answer; adds?: Spend }> {
  const [standing] = await db.query<(Amounts & { period: string })[]>(sql, [workspace, scope]);
  if (!standing) return { answer: { more: free(wants) } };
  const [part] = await db.query<(Spend & { lives: boolean })[]>(partSql, [run, workspace, scope]);
  if (part?.lives !== true) return { answer: undefined };
  const { lives: _, ...slice } = part;
  const taken = sliceFor(standing, { slice, have }, wants);
  if ('lacks' in taken) return { answer: { error: refusal(scope, standing, taken), mayComeBack: taken.mayComeBack } };
  return { answer: { more: unknownOf({ slice, have }, taken.adds) }, adds: taken.adds };
}

function usedIn({ budget }: RunState): Used[] {
  return [...(budget?.above ?? [])].map(([scope, account]) => ({ scope, ...totalOf(account) }));
}

function free(wants: Limits): Limits {
  return Object.fromEntries(Object.entries(wants).map(([measure, amount]) => [measure, amount * freeCalls]));
}

function refusal(
  scope: string,
  { limit, spent, given, period }: Amounts & { period: string },
  { lacks, needs }: Extract<Slice, { lacks: unknown }>,
): Failure {
  const when = period === 'total' ? '' : ` of this ${period}`;
  const detail = `budget.${lacks} of ${scope}: ${amountText(lacks, spent[lacks])} of ${limit[lacks]}${when} are used and ${amountText(lacks, given[lacks])} set aside for runs under way, and this call may need ${amountText(lacks, needs)} more`;
  const wait = period === 'total' ? '' : `, or wait for the next ${period}`;
  return limited(detail, `Raise it (\`signalbox budgets set ${scope}\`)${wait}, or say of the step that it uses less.`);
}
