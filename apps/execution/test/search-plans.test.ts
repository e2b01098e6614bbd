import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { openDataSource } from '@signalbox/shared/database/data-source.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { resolve } from 'node:path';
import pg from 'pg';
import { RunPages } from '../src/runs/run-pages.ts';
import { lookStatement, pageStatement, type Statement } from '../src/runs/run-search.ts';

/** Enough runs for the planner to go by its statistics; what a page reads is then the same for ten times as many. */
const runs = 100_000;
const workspace = '01900000-0000-7000-8000-00000000000a';
let database: TestDatabase;
let client: pg.Client;
let db: WorkspaceDatabase;

beforeAll(async () => {
  database = await TestDatabase.create('execution');
  await database.migrate(await loadMigrations(resolve('src/migrations')));
  await database.sql(
    `INSERT INTO run (run_id, day, workspace, workflow, definition, shard, status, labels, principal, principal_name, grant_id, timeout_ms, created_at,
       ended_at, error, progress, usage, agents, standing)
     SELECT (lpad(to_hex(at >> 16), 8, '0') || '-' || lpad(to_hex(at & 65535), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       current_date, $1, 'flow-' || n % 40, 'x', n % 256, CASE WHEN n > $2 - 100 THEN 'running' WHEN isFailed THEN 'failed' ELSE 'succeeded' END,
       jsonb_build_object('team', 't' || n % 100), 'user_x', 'ann', 'g', 1, to_timestamp(at / 1000.0),
       CASE WHEN n <= $2 - 100 THEN to_timestamp(at / 1000.0) + random() * interval '1 min' END,
       CASE WHEN isFailed THEN json_build_object('code', CASE WHEN n % 3 = 0 THEN 'timeout' ELSE 'invalid' END, 'detail', 'no ' || n)::text END,
       '{}', json_build_object('costUsd', round(random()::numeric * 2, 4))::text, ARRAY['agent-' || n % 50],
       CASE WHEN n > $2 - 50 THEN '{"isWaiting":true}' ELSE '{}' END::jsonb
     FROM (SELECT n, (extract(epoch FROM now()) * 1000)::bigint - ($2 - n) * 2500::bigint AS at, n % 40 < 20 AND n % 50 = 0 AND n <= $2 - 100 AS isFailed
             FROM generate_series(1, $2::int) n) AS given`,
    [workspace, runs],
  );
  await database.sql('VACUUM ANALYZE run');
  client = new pg.Client({ connectionString: database.url('request') });
  await client.connect();
  db = new WorkspaceDatabase(await openDataSource(database.url('request'), 1, [], 'test'));
  await client.query(`SELECT set_config('sb.workspace', $1, false)`, [workspace]);
}, 120_000);

afterAll(async () => {
  await db?.close();
  await client?.end();
  await database?.[Symbol.asyncDispose]();
});

interface Plan {
  'Node Type': string;
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

/** The most rows that one scan of the plan has read. */
function readBy({ 'Node Type': type, 'Actual Rows': rows, 'Rows Removed by Filter': removed = 0, Plans = [] }: Plan): number {
  return Math.max(type.includes('Scan') && !type.includes('Subquery') ? rows + removed : 0, ...Plans.map(readBy));
}

const day = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * day).toISOString();

test.each<[string, ListRunsRequest, number]>([
  ['the newest', {}, 51],
  ['the oldest', { sort: 'oldest' }, 51],
  ['those that ended last', { sort: 'ended' }, 51],
  ['the dearest', { sort: 'cost' }, 51],
  ['the longest', { sort: 'duration' }, 51],
  ['of one workflow', { workflow: 'flow-7' }, 51],
  ['failed ones', { status: ['failed'] }, 51],
  ['failed ones of a workflow that never fails', { workflow: 'flow-33', status: ['failed'] }, 51],
  ['waiting ones', { status: ['waiting'] }, 100],
  ['of one error', { errorCode: 'timeout' }, 51],
  ['of an error that nobody had', { errorCode: 'conflict' }, 51],
  ['nobody looked after', { problem: 'open', workflow: 'flow-10' }, 500],
  ['of one hour', { startedAfter: ago(1), startedBefore: ago(0.96) }, 51],
  ['that ended in the future', { endedAfter: ago(-1) }, 51],
  ['that cost more than any', { costMin: 5 }, 51],
])('a page of runs %s reads no more than it must', async (_, request, max) => {
  expect(await rowsReadBy(pageStatement(workspace, request, 50))).toBeLessThanOrEqual(max + 100);
});

test.each<[string, ListRunsRequest]>([
  ['of an agent that nobody used', { agent: 'nobody' }],
  ['with a label that none has', { labels: { team: 'x' } }],
  ['with words that none has', { q: 'needle' }],
  ['with words that none has, the dearest first', { q: 'needle', sort: 'cost' }],
  ['of a workflow with words that none has', { q: 'needle', workflow: 'flow-7', costMin: 5 }],
  ['of a workflow that never fails with words that none has', { q: 'needle', workflow: 'flow-33', status: ['failed'] }],
  ['that ended in the future with words that none has', { q: 'needle', endedAfter: ago(-1) }],
])('runs %s are looked through so many at a time', async (_, request) => {
  expect(await rowsReadBy(lookStatement(workspace, request, 1_000, 51))).toBeLessThanOrEqual(1_000);
});

test.each<[string, ListRunsRequest, string]>([
  ['newest', { labels: { team: 't42' }, limit: 20 }, `labels->>'team' = 't42'`],
  ['oldest', { agent: 'agent-7', limit: 20 }, `'agent-7' = ANY (agents)`],
  ['ended', { q: 'flow-13 t53', limit: 20 }, `workflow = 'flow-13' AND labels->>'team' = 't53'`],
  ['cost', { labels: { team: 't42' }, costMin: 0.5, limit: 20 }, `labels->>'team' = 't42' AND cost_usd >= 0.5`],
  ['duration', { q: 'timeout', status: ['failed'], limit: 20 }, `status = 'failed' AND error_code = 'timeout'`],
  ['duration', { q: 'no', workflow: 'flow-10', errorCode: 'timeout', limit: 1 }, `workflow = 'flow-10' AND error_code = 'timeout'`],
])(
  'all that is looked for is found once and in order, however little a page looks through: %s',
  async (order, request, where) => {
    const sort = order as NonNullable<ListRunsRequest['sort']>;
    const by = { newest: 'run_id DESC', oldest: 'run_id', ended: 'ended_at DESC', cost: 'cost_usd DESC', duration: 'duration_ms DESC' };
    const { rows } = await client.query<{ run_id: string }>(`SELECT run_id FROM run WHERE ${where} ORDER BY ${by[sort]}, run_id DESC`);
    const pages = await pagesOf(new RunPages(db, { indexMs: 40, pageMs: 0 }), { ...request, sort });
    expect(pages.flat()).toEqual(rows.map(({ run_id }) => run_id));
    expect(pages.length).toBeGreaterThan(100);
  },
  60_000,
);

test('a search that its index takes too long for looks through runs', async () => {
  const request: ListRunsRequest = { costMin: 1.9, sort: 'oldest', limit: 1_000 };
  const { rows } = await client.query<{ run_id: string }>(`SELECT run_id FROM run WHERE cost_usd >= 1.9 ORDER BY run_id`);
  const pages = await pagesOf(new RunPages(db, { indexMs: 1, pageMs: 0 }), request);
  expect(pages.flat()).toEqual(rows.map(({ run_id }) => run_id));
}, 60_000);

/** The runs of all pages. */
async function pagesOf(pages: RunPages, request: ListRunsRequest): Promise<string[][]> {
  const found: string[][] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const { rows, nextCursor } = await pages.page(workspace, { ...request, ...(cursor !== undefined && { cursor }) });
    expect(rows.length).toBeLessThanOrEqual(request.limit ?? 50);
    found.push(rows.map(({ run_id }) => run_id));
    cursor = nextCursor;
  }
  return found;
}

async function rowsReadBy({ text, values }: Statement): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
  return readBy(rows[0]?.['QUERY PLAN'][0].Plan as Plan);
}
