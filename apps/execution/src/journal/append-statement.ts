import type { Append, OutboxEvent, Standing, StartFacts } from './append.ts';
import type { EncodedAppend } from './batch.ts';
import type { Blob } from './body.ts';

/**
 * The statement of a commit: one, so that what goes beside the journal is there if and only if its row is. It is made of parts, of which only
 * those are in it that its rows need: PostgreSQL would open, lock and run the others for nothing, at each start and each end of a run.
 */
export interface Statement {
  name: string;
  text: string;
  values: unknown[];
}

interface Part {
  /** One letter of the statement's name. */
  readonly letter: string;
  /** Needed by few commits: they bring all parts along, so that few statements have to be prepared. */
  readonly isRare?: boolean;
  /** Its common table expressions; `$1` is its own first parameter. */
  sql(shape: Shape): string;
  take(batch: readonly EncodedAppend[], isFenced: boolean): Taken;
}

interface Shape {
  /** By letter, which other parts are there. */
  has: (letter: string) => boolean;
  /** Each part has one row, as most commits of a quiet replica: its values are parameters, which are read quicker than lists of one. */
  isOne: boolean;
}

/** What a commit brings of a part: how many rows, and its parameters, which are made where the part is in the statement. */
interface Taken {
  rows: number;
  values: (isOne: boolean) => unknown[];
}

type Column<T> = readonly [name: string, type: string, valueOf: (row: T) => unknown];
interface Of {
  append: Append;
}
interface Starting {
  append: Append & { start: StartFacts; standing: Standing };
}
interface Standings {
  append: Append & { standing: Standing };
}
/** Bytes come as one binary parameter and are cut by offset, so that nothing is escaped. */
interface Cut {
  at: number;
  size: number;
}

/** One parameter a column, as a table: of lists, or of one row. */
function table<T>(alias: string, columns: readonly Column<T>[], isOne: boolean, first = 1): string {
  const parameters = columns.map(([, type], number) => `$${first + number}::${type}${isOne ? '' : '[]'}`).join(', ');
  return `${isOne ? `(VALUES (${parameters}))` : `unnest(${parameters})`} AS ${alias} (${columns.map(([name]) => name).join(', ')})`;
}

function valuesOf<T>(columns: readonly Column<T>[], rows: readonly T[], isOne: boolean): unknown[] {
  return columns.map(([, , valueOf]) => (isOne ? valueOf(rows[0] as T) : rows.map(valueOf)));
}

function arrays<T>(columns: readonly Column<T>[], rows: readonly T[]): Taken {
  return { rows: rows.length, values: (isOne) => valuesOf(columns, rows, isOne) };
}

function json(rows: readonly object[]): Taken {
  return { rows: rows.length, values: () => [JSON.stringify(rows)] };
}

/** Of runs whose shard their writer does not have any more nothing is appended. */
const isOurs = (alias: string, has: Shape['has']): string =>
  has(woken.letter) ? `${alias}.run_id NOT IN (SELECT run_id FROM away)` : 'true';
const isAppended = (alias: string): string => `${alias}.run_id IN (SELECT run_id FROM appended)`;

const keyColumns: readonly Column<Of & { key: NonNullable<StartFacts['key']> }>[] = [
  ['workspace', 'uuid', ({ append }) => append.workspace],
  ['key', 'text', ({ key }) => key.key],
  ['request_hash', 'text', ({ key }) => key.requestHash],
  ['run_id', 'uuid', ({ append }) => append.run],
];

const keys: Part = {
  letter: 'k',
  sql: ({ has, isOne }) => `keys AS (
    INSERT INTO start_key AS k (workspace, key, request_hash, run_id, expires)
    SELECT s.workspace, s.key, s.request_hash, s.run_id, now() + interval '24 hours' FROM ${table('s', keyColumns, isOne)}
     WHERE ${isOurs('s', has)}
    ON CONFLICT (workspace, key) DO UPDATE
      SET request_hash = excluded.request_hash, run_id = excluded.run_id, expires = excluded.expires WHERE k.expires < now()
    RETURNING run_id
  )`,
  take: (batch) =>
    arrays(
      keyColumns,
      batch.flatMap(({ append }) => (append.start?.key ? { append, key: append.start.key } : [])),
    ),
};

const startColumns: readonly Column<Starting>[] = [
  ['run_id', 'uuid', ({ append }) => append.run],
  ['day', 'date', ({ append }) => append.day],
  ['workspace', 'uuid', ({ append }) => append.workspace],
  ['workflow', 'text', ({ append }) => append.start.workflow],
  ['definition', 'text', ({ append }) => append.start.definition],
  ['shard', 'smallint', ({ append }) => append.start.shard],
  ['labels', 'jsonb', ({ append }) => JSON.stringify(append.start.labels)],
  ['principal', 'text', ({ append }) => append.start.principal],
  ['principal_name', 'text', ({ append }) => append.start.principalName],
  ['grant_id', 'text', ({ append }) => append.start.grant],
  ['parent', 'uuid', ({ append }) => append.start.parent],
  ['timeout_ms', 'bigint', ({ append }) => append.start.timeoutMs],
  ['status', 'text', ({ append }) => append.standing.status],
  ['reason', 'text', ({ append }) => append.standing.reason],
  ['created_at', 'timestamptz', ({ append }) => append.start.createdAt.toISOString()],
  ['ended_at', 'timestamptz', ({ append }) => append.standing.endedAt?.toISOString() ?? null],
  ['error', 'text', ({ append }) => append.standing.error],
  ['progress', 'text', ({ append }) => append.standing.progress],
  ['usage', 'text', ({ append }) => append.standing.usage],
  ['standing', 'jsonb', ({ append }) => append.standing.found],
  ['places', 'jsonb', ({ append }) => append.standing.places],
  // What follows is not inserted as it is: an array of arrays could not hold lists of different lengths.
  ['agents', 'jsonb', ({ append }) => JSON.stringify(append.agents ?? [])],
  ['is_keyed', 'boolean', ({ append }) => append.start.key !== undefined],
];

const insertedNames = startColumns.slice(0, -2).map(([name]) => name);

/** What runs are found by, of what their rows hold, as the trigger of migration 0020 has it: see decision 0044. */
function found(row: string, standing: string, createdAt: string): Record<string, string> {
  return {
    cost_usd: `(${row}.usage::jsonb ->> 'costUsd')::double precision`,
    duration_ms: `round(extract(epoch FROM ${row}.ended_at - ${createdAt}) * 1000)::bigint`,
    is_waiting: `coalesce((${standing} ->> 'isWaiting')::boolean, false)`,
    error_code: `coalesce(${standing} ->> 'errorCode', ${row}.error::jsonb ->> 'code')`,
    failed_step: `${standing} ->> 'failedStep'`,
  };
}

const foundAtStart = found('s', 's.standing', 's.created_at');
const foundLater = found('e', '(run.standing || e.standing)', 'run.created_at');

const starts: Part = {
  letter: 's',
  sql: ({ has, isOne }) => `starts AS (
    INSERT INTO run (${[...insertedNames, ...Object.keys(foundAtStart)].join(', ')}, agents)
    SELECT ${[...insertedNames.map((name) => `s.${name}`), ...Object.values(foundAtStart)].join(', ')}, ARRAY(SELECT jsonb_array_elements_text(s.agents))
      FROM ${table('s', startColumns, isOne)}
     WHERE ${isOurs('s', has)} ${has(keys.letter) ? 'AND (NOT s.is_keyed OR s.run_id IN (SELECT run_id FROM keys))' : ''}
    ON CONFLICT DO NOTHING RETURNING run_id
  )`,
  take: (batch) => arrays(startColumns, batch.filter(({ append }) => append.start !== undefined) as readonly Of[] as readonly Starting[]),
};

const wokenColumns: readonly Column<Of>[] = [
  ['run_id', 'uuid', ({ append }) => append.run],
  ['shard', 'smallint', ({ append }) => append.epoch?.shard],
  ['epoch', 'int', ({ append }) => append.epoch?.epoch],
];

const woken: Part = {
  letter: 'w',
  isRare: true,
  sql: ({ isOne }) => `woken AS (
    SELECT * FROM ${table('w', wokenColumns, isOne)}
  ), held AS (
    -- Whoever takes such a shard waits for our commit and then finds the run awake, or came first and is seen here.
    SELECT s.shard, s.epoch FROM shard s WHERE s.shard IN (SELECT shard FROM woken) FOR SHARE SKIP LOCKED
  ), away AS (
    SELECT run_id FROM woken WHERE (shard, epoch) NOT IN (SELECT shard, epoch FROM held)
  )`,
  take: (batch, isFenced) =>
    arrays(
      wokenColumns,
      batch.filter(({ append: { epoch, start } }) => epoch !== undefined && (isFenced || start === undefined || epoch.epoch < 0)),
    ),
};

const journalColumns: readonly Column<Of & Cut>[] = [
  ['run_id', 'uuid', ({ append }) => append.run],
  ['seq', 'int', ({ append }) => append.seq],
  ['day', 'date', ({ append }) => append.day],
  ['count', 'int', ({ append }) => append.transitions.length],
  ['workspace', 'uuid', ({ append }) => append.workspace],
  ['at', 'int', ({ at }) => at],
  ['size', 'int', ({ size }) => size],
];

/** Its parameters: the writer, the bytes, a row each. */
function journal({ has, isOne }: Shape): string {
  const conditions = [isOurs('r', has), ...(has(starts.letter) ? ['(r.seq > 0 OR r.run_id IN (SELECT run_id FROM starts))'] : [])];
  return `INSERT INTO journal (run_id, seq, day, count, workspace, writer, body)
    SELECT r.run_id, r.seq, r.day, r.count, r.workspace, $1::text, substring($2::bytea FROM r.at FOR r.size)
      FROM ${table('r', journalColumns, isOne, 3)}
     WHERE ${conditions.join(' AND ')}
    ON CONFLICT DO NOTHING RETURNING run_id`;
}

function journalValues(batch: readonly EncodedAppend[], writer: string, isOne: boolean): unknown[] {
  const { bytes, cuts } = concat(batch.map(({ body }) => body));
  return [
    writer,
    bytes,
    ...valuesOf(
      journalColumns,
      batch.map(({ append }, number) => ({ append, ...(cuts[number] as Cut) })),
      isOne,
    ),
  ];
}

const endColumns: readonly Column<Standings>[] = [
  ['run_id', 'uuid', ({ append }) => append.run],
  ['status', 'text', ({ append }) => append.standing.status],
  ['reason', 'text', ({ append }) => append.standing.reason],
  ['ended_at', 'timestamptz', ({ append }) => append.standing.endedAt?.toISOString() ?? null],
  ['error', 'text', ({ append }) => append.standing.error],
  ['progress', 'text', ({ append }) => append.standing.progress],
  ['usage', 'text', ({ append }) => append.standing.usage],
  ['standing', 'jsonb', ({ append }) => append.standing.found],
  ['wake_at', 'timestamptz', ({ append }) => append.standing.wakeAt?.toISOString() ?? null],
  ['rests_on_child', 'boolean', ({ append }) => append.standing.restsOnChild],
  ['places', 'jsonb', ({ append }) => append.standing.places],
];

const ends: Part = {
  letter: 'e',
  sql: ({ isOne }) => `ends AS (
    UPDATE run SET status = e.status, reason = e.reason, ended_at = e.ended_at, error = e.error, progress = e.progress, usage = e.usage,
                   wake_at = e.wake_at, rests_on_child = e.rests_on_child, standing = run.standing || e.standing, places = e.places,
                   ${Object.entries(foundLater)
                     .map(([name, value]) => `${name} = ${value}`)
                     .join(', ')}
      FROM ${table('e', endColumns, isOne)}
     WHERE run.run_id = e.run_id AND ${isAppended('e')}
  )`,
  take: (batch) =>
    arrays(endColumns, batch.filter(({ append }) => append.standing && !append.start) as readonly Of[] as readonly Standings[]),
};

const blobColumns: readonly Column<Of & Cut & Blob>[] = [
  ['run_id', 'uuid', ({ append }) => append.run],
  ['sha256', 'bytea', ({ sha256 }) => sha256],
  ['day', 'date', ({ append }) => append.day],
  ['workspace', 'uuid', ({ append }) => append.workspace],
  ['at', 'int', ({ at }) => at],
  ['size', 'int', ({ size }) => size],
];

const blobs: Part = {
  letter: 'b',
  isRare: true,
  sql: ({ isOne }) => `blobs AS (
    INSERT INTO blob (run_id, sha256, day, workspace, body)
    SELECT b.run_id, b.sha256, b.day, b.workspace, substring($1::bytea FROM b.at FOR b.size) FROM ${table('b', blobColumns, isOne, 2)}
     WHERE ${isAppended('b')}
    ON CONFLICT DO NOTHING
  )`,
  take: (batch) => {
    const own = batch.flatMap(({ append, blobs: each }) => each.map((blob) => ({ append, ...blob })));
    const values = (isOne: boolean): unknown[] => {
      const { bytes, cuts } = concat(own.map(({ body }) => body));
      return [
        bytes,
        ...valuesOf(
          blobColumns,
          own.map((row, number) => ({ ...row, ...(cuts[number] as Cut) })),
          isOne,
        ),
      ];
    };
    return { rows: own.length, values };
  },
};

const eventColumns: readonly Column<Of & { event: OutboxEvent }>[] = [
  ['subject', 'text', ({ event }) => event.subject],
  ['id', 'uuid', ({ event }) => event.id],
  ['run_id', 'uuid', ({ append }) => append.run],
  ['workspace', 'uuid', ({ append }) => append.workspace],
  ['entity', 'text', ({ event }) => event.entity],
  ['version', 'bigint', ({ event }) => event.version],
  ['payload', 'jsonb', ({ event }) => JSON.stringify(event.payload)],
];

const events: Part = {
  letter: 'o',
  sql: ({ isOne }) => `events AS (
    INSERT INTO outbox (id, subject, workspace, entity, version, payload)
    SELECT o.id, o.subject, o.workspace, o.entity, o.version, o.payload FROM ${table('o', eventColumns, isOne)}
     WHERE ${isAppended('o')}
  )`,
  take: (batch) =>
    arrays(
      eventColumns,
      batch.flatMap(({ append }) => append.events.map((event) => ({ append, event }))),
    ),
};

const approvals: Part = {
  letter: 'a',
  isRare: true,
  sql: () => `approvals AS (
    INSERT INTO approval (approval_id, run_id, day, workspace, workflow, step, label, message, status, answerers, not_by, asked_at, deadline,
                          answered_at, answered_by, answered_by_name, reminded_at)
    SELECT a.* FROM jsonb_to_recordset($1::jsonb)
        AS a (approval_id uuid, run_id uuid, day date, workspace uuid, workflow text, step text, label text, message text, status text,
              answerers text[], not_by text, asked_at timestamptz, deadline timestamptz, answered_at timestamptz, answered_by text,
              answered_by_name text, reminded_at timestamptz)
     WHERE ${isAppended('a')}
    ON CONFLICT (approval_id) DO UPDATE
      SET status = excluded.status, answerers = excluded.answerers, answered_at = excluded.answered_at, answered_by = excluded.answered_by,
          answered_by_name = excluded.answered_by_name, reminded_at = excluded.reminded_at
  )`,
  take: (batch) => json(batch.flatMap(({ append }) => append.approvals.map((row) => ({ ...row, ...placeOf(append) })))),
};

const used: Part = {
  letter: 'u',
  sql: () => `used AS (
    INSERT INTO usage_entry (workspace, hour, workflow, agent, model, attempts, input_tokens, output_tokens, cost_usd)
    SELECT u.workspace, u.hour, u.workflow, u.agent, u.model, u.attempts, u.input_tokens, u.output_tokens, u.cost_usd
      FROM jsonb_to_recordset($1::jsonb)
        AS u (run_id uuid, workspace uuid, hour timestamptz, workflow text, agent text, model text, attempts bigint, input_tokens bigint,
              output_tokens bigint, cost_usd numeric)
     WHERE ${isAppended('u')}
  )`,
  take: (batch) => json(batch.flatMap(({ append }) => append.used.map((row) => ({ ...row, ...placeOf(append) })))),
};

/** In this order: what the journal's rows depend on, and what depends on them. */
const before = [woken, keys, starts];
const after = [ends, blobs, events, approvals, used];
const texts = new Map<string, string>();

/**
 * The statement that appends these rows, at most one of each run, and answers the `run_id` of each that it has appended. `isFenced`: of runs that start, too,
 * only those whose shard the writer still has.
 */
export function statementOf(batch: readonly EncodedAppend[], writer: string, isFenced: boolean): Statement {
  const taken = [...before, ...after].map((each) => ({ each, ...each.take(batch, isFenced) }));
  const isFull = taken.some(({ each, rows }) => each.isRare === true && rows > 0);
  const present = taken.filter(({ rows }) => isFull || rows > 0);
  const isOne = batch.length === 1 && present.every(({ rows }) => rows === 1);
  const name = `append-${present.map(({ each }) => each.letter).join('')}${isOne ? '1' : ''}`;
  const values = [journalValues(batch, writer, isOne), ...present.map((each) => each.values(isOne))];
  let text = texts.get(name);
  if (text === undefined) {
    const parts = present.map(({ each }) => each);
    text = textOf(
      parts,
      values.map(({ length }) => length),
      isOne,
    );
    texts.set(name, text);
  }
  return { name, text, values: values.flat() };
}

/** `counts`: parameters of the journal, then of each part. */
function textOf(present: readonly Part[], counts: readonly number[], isOne: boolean): string {
  const shape: Shape = { has: (letter) => present.some((each) => each.letter === letter), isOne };
  if (present.length === 0) return journal(shape);
  const sqlOf = (each: Part): string => {
    const skipped = counts.slice(0, present.indexOf(each) + 1).reduce((sum, count) => sum + count, 0);
    return each.sql(shape).replace(/\$(\d+)/g, (_, number: string) => `$${Number(number) + skipped}`);
  };
  const tables = [
    ...before.filter((each) => present.includes(each)).map(sqlOf),
    `appended AS (\n    ${journal(shape)}\n  )`,
    ...after.filter((each) => present.includes(each)).map(sqlOf),
  ];
  return `WITH ${tables.join(', ')}\n  SELECT run_id FROM appended`;
}

function placeOf({ run, day, workspace }: Append): { run_id: string; day: string; workspace: string } {
  return { run_id: run, day, workspace };
}

function concat(parts: readonly Buffer[]): { bytes: Buffer; cuts: Cut[] } {
  let next = 1; // SQL counts from one
  const cuts = parts.map((part) => {
    const at = next;
    next += part.length;
    return { at, size: part.length };
  });
  return { bytes: Buffer.concat(parts), cuts };
}
