import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { openDataSource } from '@signalbox/shared/database/data-source.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { runsDeleted } from '@signalbox/shared/contracts/execution/runs-deleted.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { Days } from '../src/journal/days.ts';
import { rewriteDay } from '../src/journal/expiry.ts';
import { dayOf, newRunUuid } from '../src/journal/identifiers.ts';
import { readJournal } from '../src/journal/journal-reader.ts';

let database: TestDatabase;
let system: SystemDatabase;
const workspace = '01900000-0000-7000-8000-000000000001';
const other = '01900000-0000-7000-8000-000000000002';
const dayMs = 86_400_000;

beforeAll(async () => {
  database = await TestDatabase.create('execution');
  await database.migrate(await loadMigrations(resolve('src/migrations')));
  system = new SystemDatabase(await openDataSource(database.url('system'), 4, [], 'test'));
}, 120_000);

afterAll(async () => {
  await system?.close();
  await database?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await database.sql('DELETE FROM run');
  await database.sql('DELETE FROM outbox');
  await database.sql('DELETE FROM workflow');
  await database.sql('DELETE FROM definition');
});

interface Given {
  days: number;
  status?: string;
  endedDays?: number;
  workflow?: string;
  definition?: string;
  in?: string;
  parent?: string;
}

/** A run that began so many days ago, with two rows, a blob and a snapshot. */
async function given({
  days,
  status = 'succeeded',
  endedDays = days,
  workflow = 'w',
  definition = 'h',
  parent,
  ...rest
}: Given): Promise<string> {
  const uuid = newRunUuid(Date.now() - days * dayMs, 7);
  const day = dayOf(uuid);
  const space = rest.in ?? workspace;
  await database.sql(`SELECT make_days($1::date, $1::date)`, [day]);
  await database.sql(
    `INSERT INTO run (run_id, day, workspace, workflow, definition, shard, status, principal, principal_name, grant_id, timeout_ms, created_at, ended_at,
                      progress, usage, parent)
     VALUES ($1, $2, $3, $4, $5, 7, $6, 'p', 'p', 'g', 1, now() - $7 * interval '1 day', CASE WHEN $6 = 'running' THEN NULL ELSE now() - $8 * interval '1 day' END,
             '{}', '{}', $9)`,
    [uuid, day, space, workflow, definition, status, days, endedDays, parent ?? null],
  );
  const large = JSON.stringify('x'.repeat(20_000));
  const sha256 = createHash('sha256').update(large).digest();
  const started = { t: 'started', at: 1, depth: 0, timeoutMs: 1, isBlob: true, input: { $blob: sha256.toString('hex') } };
  await append(uuid, 0, started, space);
  await append(uuid, 1, { t: 'queued', at: 1, s: 0, i: -1, n: 1 }, space);
  await database.sql(`INSERT INTO blob (run_id, sha256, day, workspace, body) VALUES ($1, $2, $3, $4, $5)`, [
    uuid,
    sha256,
    day,
    space,
    Buffer.from(large),
  ]);
  await database.sql(`INSERT INTO snapshot (run_id, seq, day, workspace, body) VALUES ($1, 1, $2, $3, 'x')`, [uuid, day, space]);
  return uuid;
}

async function append(uuid: string, seq: number, transition: object, space = workspace): Promise<void> {
  const body = Buffer.from(JSON.stringify([transition]));
  await system.source.query(`INSERT INTO journal (run_id, seq, day, count, workspace, writer, body) VALUES ($1, $2, $3, 1, $4, 'w', $5)`, [
    uuid,
    seq,
    dayOf(uuid),
    space,
    body,
  ]);
}

async function policy(workflow: string, retention: object | null, hash = `h-${workflow}`): Promise<void> {
  const manifest = JSON.stringify({ metadata: { name: workflow } });
  const millis = retention && Object.fromEntries(Object.entries(retention).map(([status, days]) => [status, Number(days) * dayMs]));
  await database.sql(`INSERT INTO definition (workspace, hash, manifest, retention) VALUES ($1, $2, $3, $4)`, [
    workspace,
    hash,
    manifest,
    millis,
  ]);
  await database.sql(
    `INSERT INTO workflow (workspace, name, hash, steps, version) VALUES ($1, $2, $3, 1, 1) ON CONFLICT (workspace, name) DO UPDATE SET hash = excluded.hash`,
    [workspace, workflow, hash],
  );
}

/** Twice: a day whose lock was not had in time, with an autovacuum for example, has its turn then. */
async function tend(keepDays = 30): Promise<void> {
  const days = new Days(system, keepDays);
  await days.tend();
  await days.tend();
}

/** Whether all of a run is there, none of it, or something between. */
async function stateOf(uuid: string): Promise<'whole' | 'gone' | object> {
  const [runs, journal, blobs, snapshots] = await Promise.all(
    ['run', 'journal', 'blob', 'snapshot'].map((table) => database.sql(`SELECT 1 FROM ${table} WHERE run_id = $1`, [uuid])),
  );
  const counts = [runs, journal, blobs, snapshots].map((rows) => rows?.length ?? 0);
  if (counts.every((count) => count === 0)) return 'gone';
  if (counts.join() !== '1,2,1,1') return { counts };
  expect((await readJournal(system.source, uuid, 0, 10)).map(({ seq }) => seq)).toEqual([0, 1]);
  return 'whole';
}

/** Runs that others are told are gone, by workspace. */
async function toldGone(): Promise<Record<string, string[]>> {
  const rows = (await database.sql(`SELECT workspace, payload -> 'runs' AS runs FROM outbox WHERE subject = $1`, [
    runsDeleted.subject,
  ])) as {
    workspace: string;
    runs: string[];
  }[];
  const told: Record<string, string[]> = {};
  for (const row of rows) told[row.workspace] = [...(told[row.workspace] ?? []), ...row.runs.map((run) => toUuid(run, 'run'))].sort();
  return told;
}

const partOf = (uuid: string): Promise<object[]> =>
  database.sql(`SELECT relfilenode FROM pg_class WHERE oid = to_regclass($1)`, [`journal_${dayOf(uuid).replaceAll('-', '')}`]);

test('of a day that is due, what lives and what is kept longer stays as it was, and all else goes with the day', async () => {
  await policy('keeps', { failed: 90 });
  const [lives, keeps] = [await given({ days: 40, status: 'running' }), await given({ days: 40, status: 'failed', workflow: 'keeps' })];
  const late = await given({ days: 40, endedDays: 3 });
  const going: string[] = [];
  for (let n = 0; n < 4; n++)
    going.push(await given({ days: 40, status: n === 0 ? 'succeeded' : 'failed', workflow: n === 0 ? 'keeps' : 'w' }));
  const [before] = await partOf(lives);
  await tend();
  for (const uuid of [lives, keeps, late]) expect(await stateOf(uuid)).toBe('whole');
  for (const uuid of going) expect(await stateOf(uuid)).toBe('gone');
  expect(await toldGone()).toEqual({ [workspace]: going.sort() });
  const [after] = await partOf(lives);
  expect(after).not.toEqual(before);
  expect(after).toBeDefined();
  expect(await database.sql(`SELECT to_regclass($1) AS kept`, [`journal_${dayOf(lives).replaceAll('-', '')}_kept`])).toEqual([
    { kept: null },
  ]);
  // What lives is written to as before, and its numbers are guarded as before.
  await append(lives, 2, { t: 'taken', at: 1, epoch: 2 });
  await expect(append(lives, 2, { t: 'taken', at: 1, epoch: 3 })).rejects.toThrow(/duplicate key/);
  expect((await readJournal(system.source, lives, 0, 10)).map(({ seq }) => seq)).toEqual([0, 1, 2]);
  // Once it has ended and is due, the day goes.
  await database.sql(`UPDATE run SET status = 'succeeded', ended_at = now() - interval '31 days' WHERE run_id = ANY($1)`, [[lives, late]]);
  await policy('keeps', { failed: 35 }, 'other');
  await tend();
  expect(await partOf(lives)).toEqual([]);
  for (const uuid of [lives, keeps, late]) expect(await stateOf(uuid)).toBe('gone');
  expect(await toldGone()).toEqual({ [workspace]: [...going, lives, keeps, late].sort() });
});

test('what is kept for less is deleted before its day is due, by how the run ended; nobody else’s is', async () => {
  await policy('brief', { succeeded: 1 });
  const due = await given({ days: 3, workflow: 'brief' });
  const stay = [
    await given({ days: 3, workflow: 'brief', status: 'failed' }),
    await given({ days: 3, workflow: 'brief', endedDays: 0.5 }),
    await given({ days: 3, workflow: 'brief', status: 'running' }),
    await given({ days: 3, workflow: 'other' }),
    await given({ days: 3, workflow: 'brief', in: other }),
  ];
  await tend();
  expect(await stateOf(due)).toBe('gone');
  expect(await toldGone()).toEqual({ [workspace]: [due] });
  for (const uuid of stay) expect(await stateOf(uuid)).toBe('whole');
});

test('the workflow’s present word counts; of one that was deleted, the word that was its run’s', async () => {
  await policy('w', { succeeded: 1 });
  const uuid = await given({ days: 3, definition: 'h-w' });
  await policy('w', null, 'newer');
  await tend();
  expect(await stateOf(uuid)).toBe('whole');
  await database.sql('DELETE FROM workflow');
  await tend();
  expect(await stateOf(uuid)).toBe('gone');
});

test('what a run that lives may still ask for stays', async () => {
  const parent = await given({ days: 40, status: 'running' });
  const child = await given({ days: 40, parent });
  await tend();
  expect(await stateOf(child)).toBe('whole');
  await database.sql(`UPDATE run SET status = 'failed', ended_at = now() WHERE run_id = $1`, [parent]);
  await tend();
  expect(await stateOf(child)).toBe('gone');
  expect(await stateOf(parent)).toBe('whole');
});

test('what is appended while a day is copied is not lost, and who stopped on the way is followed by another', async () => {
  const lives = await given({ days: 41, status: 'running' });
  const stays = await given({ days: 41, endedDays: 1 });
  for (let n = 0; n < 3; n++) await given({ days: 41 });
  // One stops before the copy is put in place: somebody who reads holds the day for too long.
  const reader = system.source.createQueryRunner();
  await reader.startTransaction();
  await reader.query(`SELECT 1 FROM journal LIMIT 1`);
  const runner = system.source.createQueryRunner();
  await expect(rewriteDay(runner.manager, dayOf(lives), 30)).rejects.toThrow(/lock timeout/);
  await reader.rollbackTransaction();
  await reader.release();
  for (const uuid of [lives, stays]) expect(await stateOf(uuid)).toBe('whole');
  await append(lives, 2, { t: 'taken', at: 1, epoch: 2 });
  // Meanwhile the run goes on.
  let seq = 3;
  let isDone = false;
  const writing = (async () => {
    while (!isDone) await append(lives, seq++, { t: 'taken', at: 1, epoch: seq });
  })();
  await rewriteDay(runner.manager, dayOf(lives), 30);
  isDone = true;
  await writing;
  await runner.release();
  const seqs = (await readJournal(system.source, lives, 0, 100_000)).map((row) => row.seq);
  expect(seqs).toEqual(Array.from({ length: seq }, (_, n) => n));
  expect(await stateOf(stays)).toBe('whole');
}, 30_000);

test('a day that somebody holds keeps no later one from going, nor keys that have expired, however many they are', async () => {
  const held = await given({ days: 43 });
  const due = await given({ days: 42 });
  await database.sql(
    `INSERT INTO start_key (workspace, key, run_id, request_hash, expires)
     SELECT $1, 'key ' || n, $2, 'h', now() - interval '1 minute' FROM generate_series(1, 10001) n`,
    [workspace, held],
  );
  await database.sql(
    `CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'lock timeout' USING ERRCODE = '55P03'; END $$;
     CREATE TRIGGER hold BEFORE DELETE ON run FOR EACH ROW WHEN (OLD.run_id = '${held}') EXECUTE FUNCTION hold()`,
  );
  await new Days(system, 30).tend();
  await database.sql(`DROP TRIGGER hold ON run; DROP FUNCTION hold()`);
  expect(await partOf(held)).toHaveLength(1);
  expect(await partOf(due)).toEqual([]);
  expect(await database.sql(`SELECT 1 FROM start_key`)).toEqual([]);
}, 30_000);
