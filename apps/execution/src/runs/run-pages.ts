import { pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { sqlStateOf, type WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { EntityManager } from 'typeorm';
import { cursorOf, isLookedFor, lookStatement, pageStatement } from './run-search.ts';

/** A search that takes longer is given up. */
const searchMs = 4_000;
/** What a page may take: by an index, and until no more runs are looked through. */
const defaults = { indexMs: 40, pageMs: 75 };
/** Runs that are looked through in one statement: a few first, then as many as there is time for. */
const looked = { first: 500, growth: 8, max: 50_000 };

/** A run of `looked`, where it is in the order of the search, and whether the search means it. */
interface LookedRow {
  run_id: string;
  position: string;
  is_hit: boolean | null;
  number: number;
}

/** A page of rows, and how to go on: null behind the last. */
export interface RunPage<Row> {
  rows: Row[];
  nextCursor: string | null;
}

/**
 * Pages of runs in a time that does not grow with the runs that there are. Where an index has what is asked for it is read; else runs are looked through
 * as long as a page may take, and the next page goes on behind them: a page can have few rows, or none, and be followed by others.
 */
export class RunPages {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly times = defaults,
  ) {}

  /** One page of a search. `limited` when it takes too long. */
  async page<Row extends { run_id: string }>(workspace: string, request: ListRunsRequest): Promise<RunPage<Row>> {
    const limit = request.limit ?? pageLimitDefault;
    const until = performance.now() + this.times.pageMs;
    const found = isLookedFor(request) ? null : await this.byIndex<Row>(workspace, request, limit);
    return found ?? searchIn(this.db, workspace, (tx) => look<Row>(tx, workspace, request, limit, until));
  }

  /** Null where PostgreSQL thought an index good that turns out to have too much, or was busy. */
  private async byIndex<Row extends { run_id: string }>(
    workspace: string,
    request: ListRunsRequest,
    limit: number,
  ): Promise<RunPage<Row> | null> {
    const { text, values } = pageStatement(workspace, request, limit);
    const work = (tx: EntityManager): Promise<(Row & { position: string })[]> => tx.query(text, values);
    const rows = await within(this.times.indexMs, this.db, workspace, work);
    if (rows === null) return null;
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return { rows: shown, nextCursor: last === undefined ? null : cursorOf(request.sort, last) };
  }
}

/** Runs `work` as long as a search may take. `limited` when that is not enough. */
export async function searchIn<T>(db: WorkspaceDatabase, workspace: string, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  const found = await within(searchMs, db, workspace, work);
  if (found === null) throw new Fault('limited', 'the search takes too long', 'Narrow it: name a workflow or a shorter time.');
  return found;
}

/** Null when a statement of `work` took longer than so many milliseconds. */
async function within<T>(ms: number, db: WorkspaceDatabase, workspace: string, work: (tx: EntityManager) => Promise<T>): Promise<T | null> {
  try {
    return await db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT set_config('statement_timeout', $1, true)`, [String(ms)]);
      return work(tx);
    });
  } catch (thrown) {
    if (sqlStateOf(thrown) !== '57014') throw thrown;
    return null;
  }
}

/** Looks through runs until a page is full, none is left or it is `until` (of `performance.now()`); through some in any case. */
async function look<Row extends { run_id: string }>(
  tx: EntityManager,
  workspace: string,
  request: ListRunsRequest,
  limit: number,
  until: number,
): Promise<RunPage<Row>> {
  const hits: LookedRow[] = [];
  const pageTo = async (end: LookedRow | undefined): Promise<RunPage<Row>> => ({
    rows: await rowsOf<Row>(tx, hits),
    nextCursor: end === undefined ? null : cursorOf(request.sort, end),
  });
  let place = request;
  for (let size = looked.first; ;) {
    const from = performance.now();
    const wanted = limit - hits.length;
    const { text, values } = lookStatement(workspace, place, size, wanted + 1);
    const rows = await tx.query<LookedRow[]>(text, values);
    hits.push(...rows.filter(({ is_hit: isHit }) => isHit).slice(0, wanted));
    const last = rows.at(-1);
    if (rows.length > wanted) return pageTo(hits.at(-1));
    if (last?.number !== size) return pageTo(undefined);
    const now = performance.now();
    const inTime = Math.floor((size * (until - now)) / Math.max(1, now - from));
    if (inTime < looked.first) return pageTo(last);
    place = { ...request, cursor: cursorOf(request.sort, last) };
    size = Math.min(inTime, size * looked.growth, looked.max);
  }
}

/** The rows of these runs, in their order. */
async function rowsOf<Row extends { run_id: string }>(tx: EntityManager, runs: readonly LookedRow[]): Promise<Row[]> {
  if (runs.length === 0) return [];
  const rows = await tx.query<Row[]>(`SELECT * FROM run WHERE run_id = ANY ($1::uuid[])`, [runs.map(({ run_id }) => run_id)]);
  const byId = new Map(rows.map((row) => [row.run_id, row]));
  return runs.flatMap(({ run_id }) => byId.get(run_id) ?? []);
}
