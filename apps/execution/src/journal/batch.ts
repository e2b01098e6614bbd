import type { Append } from './append.ts';
import { encodeBody, type Blob } from './body.ts';
import { appendFull, appendPlain, appendUsed } from './statements.ts';

/** A row with its bytes: encoded once, however often it has to be sent. */
export interface EncodedAppend {
  append: Append;
  body: Buffer;
  blobs: Blob[];
}

export function encode(append: Append): EncodedAppend {
  return { append, ...encodeBody(append.transitions) };
}

/** The statement that appends these rows, at most one of each run. */
export function statementOf(rows: readonly EncodedAppend[], writer: string): { name: string; text: string; values: unknown[] } {
  const { at, size, bytes } = concat(rows.map(({ body }) => body));
  const values: unknown[] = [
    rows.map(({ append }) => append.run),
    rows.map(({ append }) => append.seq),
    rows.map(({ append }) => append.day),
    rows.map(({ append }) => append.transitions.length),
    rows.map(({ append }) => append.workspace),
    at,
    size,
    bytes,
    writer,
  ];
  const isPlain = rows.every(
    ({ append, blobs }) =>
      !append.start && !append.standing && append.events.length === 0 && append.approvals.length === 0 && blobs.length === 0,
  );
  const used = rows.flatMap(({ append }) => append.used.map((row) => ({ ...row, ...placeOf(append) })));
  if (isPlain) return used.length === 0 ? { ...appendPlain, values } : { ...appendUsed, values: [...values, JSON.stringify(used)] };

  const started = rows.map(({ append }) => append).filter((append) => append.start !== undefined);
  const keyed = started.filter((append) => append.start?.key !== undefined);
  const start = <T>(pick: (append: Append & { start: NonNullable<Append['start']> }) => T): T[] =>
    started.map((append) => pick(append as Append & { start: NonNullable<Append['start']> }));
  const standing = <T>(of: Append[], pick: (standing: NonNullable<Append['standing']>) => T): T[] =>
    of.map((append) => pick(append.standing as NonNullable<Append['standing']>));
  const ended = rows.map(({ append }) => append).filter((append) => append.start === undefined && append.standing !== undefined);
  const woken = rows.map(({ append }) => append).filter(({ epoch }) => epoch !== undefined);
  const blobs = rows.flatMap(({ append, blobs: own }) => own.map((blob) => ({ append, ...blob })));
  const blobBytes = concat(blobs.map(({ body }) => body));
  const events = rows.flatMap(({ append }) => append.events.map((event) => ({ append, event })));
  values.push(
    keyed.map(({ workspace }) => workspace),
    keyed.map(({ start: facts }) => facts?.key?.key),
    keyed.map(({ start: facts }) => facts?.key?.requestHash),
    keyed.map(({ run }) => run),
    start(({ run }) => run),
    start(({ day }) => day),
    start(({ workspace }) => workspace),
    start(({ start: { workflow } }) => workflow),
    start(({ start: { definition } }) => definition),
    start(({ start: { shard } }) => shard),
    start(({ start: { labels } }) => JSON.stringify(labels)),
    start(({ start: { principal } }) => principal),
    start(({ start: { principalName } }) => principalName),
    start(({ start: { grant } }) => grant),
    start(({ start: { parent } }) => parent),
    start(({ start: { timeoutMs } }) => timeoutMs),
    standing(started, ({ status }) => status),
    standing(started, ({ reason }) => reason),
    start(({ start: { createdAt } }) => createdAt.toISOString()),
    standing(started, ({ endedAt }) => endedAt?.toISOString() ?? null),
    standing(started, ({ error }) => error),
    standing(started, ({ progress }) => progress),
    standing(started, ({ usage }) => usage),
    start(({ start: { key } }) => key !== undefined),
    ended.map(({ run }) => run),
    standing(ended, ({ status }) => status),
    standing(ended, ({ reason }) => reason),
    standing(ended, ({ endedAt }) => endedAt?.toISOString() ?? null),
    standing(ended, ({ error }) => error),
    standing(ended, ({ progress }) => progress),
    standing(ended, ({ usage }) => usage),
    blobBytes.bytes,
    blobs.map(({ append }) => append.run),
    blobs.map(({ sha256 }) => sha256),
    blobs.map(({ append }) => append.day),
    blobs.map(({ append }) => append.workspace),
    blobBytes.at,
    blobBytes.size,
    events.map(({ event }) => event.subject),
    events.map(({ event }) => event.id),
    events.map(({ append }) => append.run),
    events.map(({ append }) => append.workspace),
    events.map(({ event }) => event.entity),
    events.map(({ event }) => event.version),
    events.map(({ event }) => JSON.stringify(event.payload)),
    JSON.stringify(rows.flatMap(({ append }) => append.approvals.map((row) => ({ ...row, ...placeOf(append) })))),
    start(({ agents = [] }) => JSON.stringify(agents)),
    standing(started, ({ found }) => found),
    standing(ended, ({ found }) => found),
    standing(ended, ({ wakeAt }) => wakeAt?.toISOString() ?? null),
    standing(ended, ({ restsOnChild }) => restsOnChild),
    woken.map(({ run }) => run),
    woken.map(({ epoch }) => epoch?.shard),
    woken.map(({ epoch }) => epoch?.epoch),
    JSON.stringify(used),
    standing(started, ({ places }) => places),
    standing(ended, ({ places }) => places),
  );
  return { ...appendFull, values };
}

function placeOf({ run, day, workspace }: Append): { run_id: string; day: string; workspace: string } {
  return { run_id: run, day, workspace };
}

function concat(parts: readonly Buffer[]): { bytes: Buffer; at: number[]; size: number[] } {
  let next = 1; // SQL counts from one
  const at = parts.map((part) => {
    const start = next;
    next += part.length;
    return start;
  });
  return { bytes: Buffer.concat(parts), at, size: parts.map((part) => part.length) };
}
