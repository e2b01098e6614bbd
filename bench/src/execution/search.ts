import type { ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { defaultWorkspace } from '@signalbox/testkit/test-issuer.js';
import { measured, percentile, type BenchOptions, type Measurement } from '../measurement.ts';
import type { Engine } from './engine.ts';

/** Milliseconds that a page may take. */
const goal = 100;
const pages = 3;
const day = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * day).toISOString();

const searches: ListRunsRequest[] = [
  {},
  { sort: 'oldest' },
  { sort: 'ended' },
  { sort: 'cost' },
  { sort: 'duration' },
  { workflow: 'flow-7' },
  { status: ['failed'] },
  { workflow: 'flow-10', status: ['failed'] },
  { status: ['waiting'] },
  { errorCode: 'timeout' },
  { agent: 'agent-7' },
  { labels: { team: 't42' } },
  { startedAfter: ago(1), startedBefore: ago(0.5) },
  { costMin: 1.9 },
  { durationMinMs: 55_000 },
  { q: 'flow-13' },
  { q: 'needle' },
];

/** Lists and searches over many runs that have ended, page after page. */
export async function searchRuns(engine: Engine, { rounds, isSmoke, isLarge }: BenchOptions): Promise<Measurement[]> {
  const runs = isLarge ? 1_000_000 : isSmoke ? 5_000 : 100_000;
  await endRuns(engine, runs);
  await read(engine);
  const seen: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    const times: number[] = [];
    for (let again = 0; again < (isSmoke ? 1 : 10); again++) times.push(...(await read(engine)));
    seen.push(times);
  }
  return Object.entries({ p50: 0.5, p99: 0.99 }).map(([label, fraction]) =>
    measured(
      { bench: 'execution', what: `a page of ${runs.toLocaleString('en')} runs, ${searches.length} searches, ${label}`, unit: 'ms' },
      seen.map((times) => percentile(times, fraction)),
      { goal },
    ),
  );
}

/** Milliseconds of each of the first pages of every search. */
async function read({ list }: Engine): Promise<number[]> {
  const times: number[] = [];
  for (const search of searches) {
    let cursor: string | null | undefined;
    for (let page = 0; page < pages && cursor !== null; page++) {
      const from = performance.now();
      ({ nextCursor: cursor } = await list({ ...search, limit: 50, ...(cursor !== undefined && { cursor }) }));
      times.push(performance.now() - from);
    }
  }
  return times;
}

/** As if so many runs had begun one after another every 2.5 seconds until now, and ended within a minute; some have failed. */
async function endRuns({ database }: Engine, runs: number): Promise<void> {
  await database.sql(
    `INSERT INTO run (run_id, day, workspace, workflow, definition, shard, status, labels, principal, principal_name, grant_id, timeout_ms, created_at,
       ended_at, error, progress, usage, agents)
     SELECT (lpad(to_hex(at >> 16), 8, '0') || '-' || lpad(to_hex(at & 65535), 4, '0') || '-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       current_date, $1, 'flow-' || n % 40, 'x', n % 256, CASE WHEN has_failed THEN 'failed' ELSE 'succeeded' END,
       jsonb_build_object('team', 't' || n % 100), 'user_x', 'ann', 'g', 1, to_timestamp(at / 1000.0),
       to_timestamp(at / 1000.0) + random() * interval '1 min',
       CASE WHEN has_failed THEN json_build_object('code', CASE WHEN n % 3 = 0 THEN 'timeout' ELSE 'invalid' END, 'detail', 'no ' || n)::text END,
       '{"total":1,"done":1,"failed":0,"running":0}', json_build_object('costUsd', round(random()::numeric * 2, 4))::text, ARRAY['agent-' || n % 50]
     FROM (SELECT n, (extract(epoch FROM now()) * 1000)::bigint - ($2 - n) * 2500::bigint AS at, n % 40 < 20 AND n % 50 = 0 AS has_failed
             FROM generate_series(1, $2::int) n) AS given`,
    [defaultWorkspace, runs],
  );
  await database.sql('VACUUM ANALYZE run');
}
