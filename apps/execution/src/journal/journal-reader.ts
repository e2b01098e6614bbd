import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { decodeBody } from './body.ts';
import { dayOf } from './identifiers.ts';

/** Anything that runs SQL: a transaction in a workspace, or the system database. */
export interface Queryable {
  query<T>(text: string, values?: unknown[]): Promise<T>;
}

interface JournalRow {
  run_id: string;
  seq: number;
  count: number;
  body: Buffer;
}

/** The transitions of a row, with the number of its first, and how many there are. */
export interface ReadRow {
  seq: number;
  count: number;
  transitions: Transition[];
}

/** The journal of some runs, in order. */
export async function readJournals(db: Queryable, runs: readonly string[]): Promise<Map<string, ReadRow[]>> {
  const days = [...new Set(runs.map(dayOf))];
  const rows = await db.query<JournalRow[]>(
    `SELECT run_id, seq, count, body FROM journal WHERE run_id = ANY($1::uuid[]) AND day = ANY($2::date[]) ORDER BY run_id, seq`,
    [runs, days],
  );
  return decodeRows(db, rows);
}

/** How many transitions the journals of some runs have. */
export async function journalLengths(db: Queryable, runs: readonly string[]): Promise<Map<string, number>> {
  const rows = await db.query<{ run_id: string; length: number }[]>(
    `SELECT r.run_id, last.length FROM unnest($1::uuid[], $2::date[]) AS r (run_id, day),
       LATERAL (SELECT j.seq + j.count AS length FROM journal j WHERE j.run_id = r.run_id AND j.day = r.day ORDER BY j.seq DESC LIMIT 1) AS last`,
    [runs, runs.map(dayOf)],
  );
  return new Map(rows.map(({ run_id, length }) => [run_id, length]));
}

/**
 * Rows of one run from the one that holds transition `from` on, at most `limit`. Of a run that was set aside (`isAside`), those that cannot be read are
 * there without their transitions.
 */
export async function readJournal(db: Queryable, run: string, from: number, limit: number, isAside = false): Promise<ReadRow[]> {
  const rows = await db.query<JournalRow[]>(
    `SELECT run_id, seq, count, body FROM journal WHERE run_id = $1 AND day = $2 AND seq + count > $3 ORDER BY seq LIMIT $4`,
    [run, dayOf(run), from, limit],
  );
  return isAside ? await decodeReadable(db, rows) : ((await decodeRows(db, rows)).get(run) ?? []);
}

/** As `readJournal`, as they are stored: with large values by name, each for itself. */
export async function readStored(
  db: Queryable,
  run: string,
  from: number,
  limit: number,
): Promise<{ seq: number; transitions: object[] }[]> {
  const rows = await db.query<JournalRow[]>(
    `SELECT run_id, seq, count, body FROM journal WHERE run_id = $1 AND day = $2 AND seq + count > $3 ORDER BY seq LIMIT $4`,
    [run, dayOf(run), from, limit],
  );
  return rows.map(({ seq, body }) => ({ seq, transitions: JSON.parse(body.toString('utf8')) as object[] }));
}

/** The large values of a run after the one of this hash (hex), by hash, at most `limit`. */
export async function readLarge(db: Queryable, run: string, after: string, limit: number): Promise<{ hash: string; json: string }[]> {
  const rows = await db.query<{ sha256: Buffer; body: Buffer }[]>(
    `SELECT sha256, body FROM blob WHERE run_id = $1 AND day = $2 AND sha256 > $3 ORDER BY sha256 LIMIT $4`,
    [run, dayOf(run), Buffer.from(after, 'hex'), limit],
  );
  return rows.map(({ sha256, body }) => ({ hash: sha256.toString('hex'), json: body.toString('utf8') }));
}

/** What can be read of the journal of a run that was set aside, and the number of its next transition. */
export async function readReadable(db: Queryable, run: string): Promise<{ transitions: Transition[]; next: number }> {
  const rows = await db.query<JournalRow[]>(`SELECT run_id, seq, count, body FROM journal WHERE run_id = $1 AND day = $2 ORDER BY seq`, [
    run,
    dayOf(run),
  ]);
  const last = rows.at(-1);
  return {
    transitions: (await decodeReadable(db, rows)).flatMap(({ transitions }) => transitions),
    next: last === undefined ? 0 : last.seq + last.count,
  };
}

async function decodeReadable(db: Queryable, rows: readonly JournalRow[]): Promise<ReadRow[]> {
  const read: ReadRow[] = [];
  for (const row of rows) {
    try {
      read.push(...[...(await decodeRows(db, [row])).values()].flat());
    } catch (err) {
      log.warn('a row of a run that was set aside cannot be read', { run: row.run_id, seq: row.seq, err });
      read.push({ seq: row.seq, count: row.count, transitions: [] });
    }
  }
  return read;
}

async function decodeRows(db: Queryable, rows: readonly JournalRow[]): Promise<Map<string, ReadRow[]>> {
  const blobs = await readBlobs(db, rows);
  const read = new Map<string, ReadRow[]>();
  for (const row of rows) {
    const entry = { seq: row.seq, count: row.count, transitions: decodeBody(row.body, blobs.get(row.run_id) ?? new Map()) };
    const known = read.get(row.run_id);
    if (known) known.push(entry);
    else read.set(row.run_id, [entry]);
  }
  return read;
}

async function readBlobs(db: Queryable, rows: readonly JournalRow[]): Promise<Map<string, Map<string, Json>>> {
  const marker = Buffer.from('"isBlob":true');
  const runs = [...new Set(rows.filter(({ body }) => body.includes(marker)).map(({ run_id }) => run_id))];
  const found = new Map<string, Map<string, Json>>();
  if (runs.length === 0) return found;
  const blobs = await db.query<{ run_id: string; sha256: Buffer; body: Buffer }[]>(
    `SELECT run_id, sha256, body FROM blob WHERE run_id = ANY($1::uuid[]) AND day = ANY($2::date[])`,
    [runs, [...new Set(runs.map(dayOf))]],
  );
  for (const { run_id, sha256, body } of blobs) {
    const own = found.get(run_id) ?? new Map<string, Json>();
    own.set(sha256.toString('hex'), JSON.parse(body.toString('utf8')) as Json);
    found.set(run_id, own);
  }
  return found;
}
