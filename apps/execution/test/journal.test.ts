import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { openDataSource } from '@signalbox/shared/database/data-source.js';
import { Lease } from '@signalbox/shared/shards/lease.js';
import { placement } from '@signalbox/shared/shards/placement.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { FaultProxy } from '@signalbox/testkit/fault-proxy.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Append, AppendOutcome, AppendSource, StartFacts } from '../src/journal/append.ts';
import { Days } from '../src/journal/days.ts';
import { dayOf, newRunUuid } from '../src/journal/identifiers.ts';
import { Journal } from '../src/journal/journal.ts';
import { readJournal, readJournals } from '../src/journal/journal-reader.ts';

let database: TestDatabase;
let system: SystemDatabase;
const workspace = '01900000-0000-7000-8000-000000000001';
const standing = {
  status: 'running' as const,
  reason: null,
  endedAt: null,
  error: null,
  progress: '{}',
  usage: '{}',
  found: '{}',
  wakeAt: null,
  restsOnChild: false,
  places: null,
};

beforeAll(async () => {
  database = await TestDatabase.create('execution');
  await database.migrate(await loadMigrations(resolve('src/migrations')));
  system = new SystemDatabase(await openDataSource(database.url('system'), 2, [], 'test'));
}, 120_000);

afterAll(async () => {
  await system?.close();
  await database?.[Symbol.asyncDispose]();
});

/** A run that appends rows of one transition each. */
class Source implements AppendSource {
  readonly uuid = newRunUuid(Date.now());
  seq = 0;
  private row: Append | undefined;
  private tell: (outcome: AppendOutcome) => void = () => undefined;

  constructor(readonly workspace = 'w') {}

  sent(): void {}

  append(journal: Journal, transitions: Transition[], rest: Partial<Append> = {}): Promise<AppendOutcome> {
    this.row = {
      run: this.uuid,
      workspace,
      day: dayOf(this.uuid),
      seq: this.seq,
      transitions,
      approvals: [],
      used: [],
      events: [],
      ...rest,
    };
    journal.push(this.uuid, this);
    return new Promise((resolve) => (this.tell = resolve));
  }

  start(journal: Journal, facts: Partial<StartFacts> = {}, rest: Partial<Append> = {}): Promise<AppendOutcome> {
    const start: StartFacts = {
      ...{ workflow: 'w', definition: 'h', shard: 1, labels: {}, principal: 'p', principalName: 'p', grant: 'g', parent: null },
      ...{ timeoutMs: 1_000, createdAt: new Date() },
      ...facts,
    };
    return this.append(journal, [{ t: 'started', at: 1, input: null, depth: 0, timeoutMs: 1 }], { start, standing, ...rest });
  }

  take(): Append | undefined {
    const { row } = this;
    this.row = undefined;
    return row;
  }

  settled(outcome: AppendOutcome): void {
    if (outcome === 'committed') this.seq++;
    this.tell(outcome);
  }
}

const skipped: Transition[] = [{ t: 'skipped', at: 1, s: 0 }];

const always = (): boolean => true;

function openJournal(url = database.url('system')): Journal {
  const owner = randomUUID();
  return new Journal(url, () => `${owner}:1`, always);
}

test('rows of many runs are appended, and what a run has after another is refused', async () => {
  const journal = openJournal();
  const sources = Array.from({ length: 40 }, () => new Source());
  expect(new Set(await Promise.all(sources.map((source) => source.start(journal))))).toEqual(new Set(['committed']));
  expect(new Set(await Promise.all(sources.map((source) => source.append(journal, skipped))))).toEqual(new Set(['committed']));
  const [first] = sources as [Source];
  first.seq = 1;
  expect(await first.append(journal, skipped)).toBe('lost');
  const read = await readJournals(
    system.source,
    sources.map(({ uuid }) => uuid),
  );
  expect(read.size).toBe(40);
  expect(read.get(first.uuid)?.map(({ seq, transitions }) => [seq, transitions[0]?.t])).toEqual([
    [0, 'started'],
    [1, 'skipped'],
  ]);
  expect(await readJournal(system.source, first.uuid, 1, 10)).toHaveLength(1);
  expect([journal.waiting, journal.halted]).toEqual([0, undefined]);
  await journal.stop();
});

test('of two starts with one key that meet in one commit one is appended, and what goes with them is', async () => {
  const owner = randomUUID();
  const journal = new Journal(database.url('system'), () => `${owner}:1`, always, 1);
  const key = { key: 'p once', requestHash: 'h' };
  const keyed = [new Source(), new Source()].map((source) => source.start(journal, { key }));
  const others = [new Source(), new Source()].map((source) => source.start(journal));
  expect((await Promise.all(keyed)).sort()).toEqual(['committed', 'lost']);
  expect(await Promise.all(others)).toEqual(['committed', 'committed']);
  expect(journal.halted).toBeUndefined();
  await journal.stop();
});

test('F20: where commits are slow it is said how long a workspace’s next row waits, for what others wrote no longer, and not at all once nothing waits', async () => {
  const owner = randomUUID();
  const journal = new Journal(database.url('system'), () => `${owner}:1`, always, 1);
  await database.sql(`CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END $$`);
  await database.sql(`CREATE TRIGGER late AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION late()`);
  try {
    const first = new Source('loud').start(journal);
    await sleep(0); // it is under way, so that the others wait
    const others = [...Array.from({ length: 600 }, () => new Source('loud')), new Source('quiet')].map((source) => source.start(journal));
    await first;
    await sleep(0);
    expect(journal.waiting).toBe(601 - 250); // of both
    expect(journal.waitMs('quiet')).toBeGreaterThanOrEqual(200);
    expect(journal.waitMs('loud')).toBeCloseTo((1 + 351 / 250) * journal.waitMs('quiet'));
    expect(journal.waitMs()).toBe(journal.waitMs('loud'));
    await Promise.all(others);
    await sleep(0);
    expect([journal.waiting, journal.waitMs(), journal.waitMs('loud')]).toEqual([0, 0, 0]);
  } finally {
    await database.sql(`DROP TRIGGER late ON journal; DROP FUNCTION late()`);
    await journal.stop();
  }
});

test('a row without its run’s start, and a start whose key is taken, are not appended, the others of the batch are', async () => {
  const journal = openJournal();
  const key = { key: randomUUID(), requestHash: 'h' };
  const first = new Source();
  expect(await first.start(journal, { key })).toBe('committed');
  const [taken, free, again] = [new Source(), new Source(), new Source()];
  again.seq = 0;
  const outcomes = await Promise.all([
    taken.start(journal, { key }),
    free.start(journal, { key: { key: randomUUID(), requestHash: 'h' } }),
  ]);
  expect(outcomes).toEqual(['lost', 'committed']);
  expect(await database.sql(`SELECT 1 FROM run WHERE run_id = $1`, [taken.uuid])).toEqual([]);
  await database.sql(`UPDATE start_key SET expires = now() - interval '1 minute' WHERE key = $1`, [key.key]);
  expect(await again.start(journal, { key })).toBe('committed');
  await journal.stop();
});

test('the next row of a run that rests is taken from the owner of its shard alone, and who takes the shard waits for it', async () => {
  const journal = openJournal();
  const [ours, others] = [new Source(), new Source()];
  for (const source of [ours, others]) {
    await source.start(journal, { shard: 7 });
    const resting = { ...standing, wakeAt: new Date(Date.now() + 60_000) };
    expect(await source.append(journal, [{ t: 'rested', at: 1 }], { standing: resting })).toBe('committed');
  }
  const wakeAt = async ({ uuid }: Source): Promise<unknown> =>
    (await database.sql<{ wake_at: Date | null }>(`SELECT wake_at FROM run WHERE run_id = $1`, [uuid]))[0]?.wake_at;
  const [{ epoch } = { epoch: 0 }] = await database.sql<{ epoch: number }>(`SELECT epoch FROM shard WHERE shard = 7`);
  const woken = (source: Source, at: number): Promise<AppendOutcome> =>
    source.append(journal, [{ t: 'taken', at: 1, epoch: at }], { standing, epoch: { shard: 7, epoch: at } });
  expect(await Promise.all([woken(ours, epoch), woken(others, epoch - 1)])).toEqual(['committed', 'lost']);
  expect(await wakeAt(ours)).toBeNull();
  expect(await wakeAt(others)).toBeInstanceOf(Date);
  await database.sql(`UPDATE shard SET epoch = epoch + 1 WHERE shard = 7`);
  expect(await woken(others, epoch)).toBe('lost');
  expect(await woken(others, epoch + 1)).toBe('committed');
  await journal.stop();
});

test('a start is taken from the owner of its shard alone where a writer is not certain that it still is that, or knows that it is not', async () => {
  const owner = randomUUID();
  let mayAct = true;
  const journal = new Journal(
    database.url('system'),
    () => `${owner}:1`,
    () => mayAct,
    1,
  );
  const [{ epoch } = { epoch: 0 }] = await database.sql<{ epoch: number }>(`SELECT epoch FROM shard WHERE shard = 7`);
  const started = (at: number, key?: string): Promise<AppendOutcome> =>
    new Source().start(
      journal,
      { shard: 7, ...(key !== undefined && { key: { key, requestHash: 'h' } }) },
      { epoch: { shard: 7, epoch: at } },
    );
  expect(await Promise.all([started(epoch), started(-1, 'given away'), started(epoch - 1)])).toEqual(['committed', 'lost', 'committed']);
  mayAct = false;
  expect(await Promise.all([started(epoch, 'kept'), started(epoch - 1, 'late'), started(epoch)])).toEqual([
    'committed',
    'lost',
    'committed',
  ]);
  expect(await database.sql(`SELECT key FROM start_key WHERE key IN ('given away', 'kept', 'late')`)).toEqual([{ key: 'kept' }]);
  expect(await database.sql(`SELECT 1 FROM run r WHERE NOT EXISTS (SELECT 1 FROM journal j WHERE j.run_id = r.run_id)`)).toEqual([]);
  await journal.stop();
});

test('F17: a row that PostgreSQL refuses is found, and the rest of its batch is committed', async () => {
  const journal = openJournal();
  const good = Array.from({ length: 20 }, () => new Source());
  const bad = new Source();
  const outcomes = await Promise.all([
    ...good.slice(0, 10).map((source) => source.start(journal)),
    bad.start(journal, { labels: { nul: 'a\0b' } }),
    ...good.slice(10).map((source) => source.start(journal)),
  ]);
  expect(outcomes.filter((outcome) => outcome === 'committed')).toHaveLength(20);
  expect(outcomes[10]).toBe('refused');
  expect(await database.sql(`SELECT 1 FROM run WHERE run_id = $1`, [bad.uuid])).toEqual([]);
  // Whatever it says, if it is not of itself.
  await database.sql(
    `CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
     CREATE TRIGGER picky BEFORE INSERT ON run FOR EACH ROW WHEN (NEW.labels ? 'bad') EXECUTE FUNCTION picky()`,
  );
  const others = [{}, { bad: 'yes' }, {}].map((labels) => new Source().start(journal, { labels: labels as Record<string, string> }));
  expect(await Promise.all(others)).toEqual(['committed', 'refused', 'committed']);
  expect(journal.halted).toBeUndefined();
  await database.sql(`DROP TRIGGER picky ON run; DROP FUNCTION picky()`);
  await journal.stop();
});

test('F19: what PostgreSQL lacks is no fault of a row: the batch waits, and is committed when it is there again', async () => {
  const journal = openJournal();
  for (const state of ['42501', '42P01', '42703', '53100']) {
    await database.sql(
      `CREATE FUNCTION lack() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'lack' USING ERRCODE = '${state}'; END $$;
       CREATE TRIGGER lack BEFORE INSERT ON journal EXECUTE FUNCTION lack()`,
    );
    const outcomes = Promise.all([new Source(), new Source()].map((source) => source.start(journal)));
    for (const until = performance.now() + 5_000; journal.halted === undefined && performance.now() < until;) await sleep(10);
    expect(journal.halted).toBe(state);
    await database.sql(`DROP TRIGGER lack ON journal; DROP FUNCTION lack()`);
    expect(await outcomes).toEqual(['committed', 'committed']);
    expect(journal.halted).toBeUndefined();
  }
  await journal.stop();
}, 30_000);

test('F21: a connection that is cut in the middle of commits loses nothing and doubles nothing', async () => {
  const proxy = await FaultProxy.to(database.url('system'));
  const journal = openJournal(proxy.url(database.url('system')));
  const sources = Array.from({ length: 8 }, () => new Source());
  await Promise.all(sources.map((source) => source.start(journal)));
  let isCutting = true;
  const cutting = (async () => {
    while (isCutting) {
      proxy.cut();
      await sleep(100 + 200 * Math.random());
    }
  })();
  const until = performance.now() + 2_000;
  await Promise.all(
    sources.map(async (source) => {
      while (performance.now() < until) expect(await source.append(journal, skipped)).toBe('committed');
    }),
  );
  isCutting = false;
  await cutting;
  for (const { uuid, seq } of sources) {
    const rows = await database.sql<{ n: number }>(`SELECT count(*)::int AS n FROM journal WHERE run_id = $1`, [uuid]);
    expect(rows).toEqual([{ n: seq }]);
  }
  await journal.stop();
  await proxy[Symbol.asyncDispose]();
}, 60_000);

test('F16: one commit in twenty meets a deadlock or a serialization failure: each row is there once', async () => {
  await database.sql(
    `CREATE FUNCTION fail_now_and_then() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF random() < 0.025 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
        IF random() < 0.025 THEN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END IF;
        RETURN NULL;
      END $$`,
  );
  await database.sql(`CREATE TRIGGER fail_now_and_then AFTER INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION fail_now_and_then()`);
  const journal = openJournal();
  const sources = Array.from({ length: 8 }, () => new Source());
  await Promise.all(
    sources.map(async (source) => {
      expect(await source.start(journal)).toBe('committed');
      for (let row = 0; row < 40; row++) expect(await source.append(journal, skipped)).toBe('committed');
    }),
  );
  expect(journal.halted).toBeUndefined();
  await database.sql(`DROP FUNCTION fail_now_and_then CASCADE`);
  const rows = await database.sql<{ n: number }>(`SELECT count(*)::int AS n FROM journal WHERE run_id = ANY($1::uuid[]) GROUP BY run_id`, [
    sources.map(({ uuid }) => uuid),
  ]);
  expect(rows).toEqual(sources.map(() => ({ n: 41 })));
  await journal.stop();
}, 60_000);

test('a journal that is given up appends nothing more', async () => {
  const journal = openJournal('postgres://nobody:x@127.0.0.1:1/x');
  const source = new Source();
  void source.start(journal);
  await sleep(150);
  expect(journal.halted).toBeDefined();
  await journal.abandon();
});

test('days are made ahead, and dropped when they are due and nothing of them lives', async () => {
  const days = new Days(system, 30);
  await days.start();
  const old = new Source();
  const uuid = newRunUuid(Date.now() - 40 * 86_400_000);
  Object.assign(old, { uuid });
  await database.sql(`SELECT make_days(current_date - 41, current_date - 39)`);
  const journal = openJournal();
  expect(await old.start(journal)).toBe('committed');
  // A lock that is not had in time is tried for again, as by the service; days of which something stays are looked at once a day by each replica.
  const tended = async (): Promise<void> => {
    for (let tries = 0; ; tries++) {
      try {
        return await new Days(system, 30).tend();
      } catch (error) {
        if (tries === 5) throw error;
      }
    }
  };
  await tended();
  expect(await database.sql(`SELECT 1 FROM run WHERE run_id = $1`, [uuid])).toHaveLength(1);
  await database.sql(`UPDATE run SET status = 'succeeded', ended_at = now() - interval '31 days' WHERE run_id = $1`, [uuid]);
  await database.sql(
    `INSERT INTO approval (approval_id, run_id, day, workspace, workflow, step, label, message, status, asked_at)
     SELECT run_id, run_id, day, workspace, workflow, 'ask', 'ask', 'Go?', 'withdrawn', now() FROM run WHERE run_id = $1`,
    [uuid],
  );
  await database.sql(`UPDATE start_key SET expires = now() - interval '1 day'`);
  // Of operations on many runs: one that ended long ago, one that ended lately, one that still goes on.
  await database.sql(
    `INSERT INTO run_operation (workspace, operation_id, action, total, after, before, principal, principal_name, grant_id, request_hash, ended_at)
     SELECT run_id, o.id, 'cancel', 1, run_id, run_id, 'p', 'p', 'g', o.id, o.ended_at FROM run, (VALUES
       ('01900000-0000-7000-8000-000000000001'::uuid, now() - interval '31 days'), ('01900000-0000-7000-8000-000000000002', now() - interval '29 days'),
       ('01900000-0000-7000-8000-000000000003', NULL)) AS o (id, ended_at) WHERE run_id = $1`,
    [uuid],
  );
  await database.sql(`INSERT INTO run_operation_failure SELECT workspace, operation_id, operation_id, 'internal', 'x' FROM run_operation`);
  await tended();
  const left = ['01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000003'];
  for (const table of ['run_operation', 'run_operation_failure']) {
    const kept = await database.sql<{ operation_id: string }>(`SELECT operation_id FROM ${table} ORDER BY operation_id`);
    expect(kept.map(({ operation_id }) => operation_id)).toEqual(left);
  }
  expect(await database.sql(`SELECT 1 FROM run WHERE run_id = $1`, [uuid])).toEqual([]);
  expect(await database.sql(`SELECT 1 FROM approval WHERE run_id = $1`, [uuid])).toEqual([]);
  const day = dayOf(uuid).replaceAll('-', '');
  expect(await database.sql(`SELECT to_regclass('journal_${day}') AS found`)).toEqual([{ found: null }]);
  expect(await database.sql(`SELECT 1 FROM start_key`)).toEqual([]);
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  expect(await database.sql(`SELECT to_regclass('journal_${today}') AS found`)).not.toEqual([{ found: null }]);
  days.stop();
  await journal.stop();
});

test('F10: shards belong to one owner; replicas share them, and the next takes them when they are given back, or the lease has ended', async () => {
  const shares = new Map<string, Set<number>>();
  const told: string[] = [];
  const lease = (name: string): Lease => {
    const share = new Set<number>();
    shares.set(name, share);
    const drop = (shards: readonly number[]): void => shards.forEach((shard) => share.delete(shard));
    return new Lease('execution', database.url('system'), {
      taken: (owned) => {
        for (const { shard } of owned) share.add(shard);
        return Promise.resolve();
      },
      release: (shards) => {
        drop(shards);
        return Promise.resolve();
      },
      lost: (shards) => {
        drop(shards);
        told.push(`${name} lost ${shards.length}`);
      },
      resumed: () => told.push(`${name} resumed`),
      moved: () => undefined,
    });
  };
  const untilHas = async (name: string, isRight: (size: number) => boolean): Promise<void> => {
    for (const until = performance.now() + 10_000; !isRight(shares.get(name)?.size ?? 0); await sleep(20)) {
      if (performance.now() > until) throw new Error(`${name} has ${shares.get(name)?.size} shards; ${told.join(', ')}`);
    }
  };
  const first = lease('first');
  first.start();
  await untilHas('first', (size) => size === 256);
  expect(first.mayAct()).toBe(true);
  expect(first.isAlone).toBe(true);
  const second = lease('second');
  second.start();
  const places = placement([first.owner, second.owner]);
  const share = places.filter((place) => place === first.owner).length;
  await untilHas('first', (size) => size === share);
  await untilHas('second', (size) => size === 256 - share);
  expect(told).toEqual([]);
  // A shard that bears the name of who does not know of it is freed by that one, and comes back to where it belongs.
  const [one = 0] = shares.get('first') ?? [];
  await database.sql(`UPDATE shard SET owner = '${second.owner}', epoch = epoch + 1 WHERE shard = ${one}`);
  for (const until = performance.now() + 10_000; !told.includes('first lost 1') && performance.now() < until; await sleep(20));
  expect(told).toEqual(['first lost 1']);
  await untilHas('first', (size) => size === share);
  await first.stop();
  await untilHas('second', (size) => size === 256);
  await second.abandon();
  const third = lease('third');
  const before = performance.now();
  third.start();
  await untilHas('third', (size) => size === 256);
  expect(performance.now() - before).toBeGreaterThan(500);
  await database.sql(`UPDATE shard SET owner = gen_random_uuid(), epoch = epoch + 1 WHERE shard = 7`);
  for (const until = performance.now() + 10_000; !told.includes('third lost 1') && performance.now() < until; await sleep(20));
  expect(told).toContain('third lost 1');
  // An owner that is not alive has no right to it: it is taken again.
  await untilHas('third', (size) => size === 256);
  await third.stop();
}, 60_000);
