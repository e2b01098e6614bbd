import { chunkBytes } from '@signalbox/shared/bus/stream.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { jsonWithoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import { hashAfter, type RunFileDefinition, type RunFileEnd, type RunFileHead } from '@signalbox/workflow/run-file/format.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import { readLarge, readStored, type Queryable } from '../journal/journal-reader.ts';

/** Large values, and rows, read at once. */
const largeRows = 4;
const journalRows = 100;

/** How far a file has been given: the next line by its place, its number, what was given of it, and the hash over those before it. */
export interface ExportPosition {
  /** `head`, `blob <hash before it>`, `event <seq>`, `definition <seq of the event that went over to it>`. */
  place: string;
  lines: number;
  offset: number;
  hash: string;
}

export const exportStart: ExportPosition = { place: 'head', lines: 0, offset: 0, hash: '' };

interface Line {
  place: string;
  /** The end says what came before. */
  text: string | ((lines: number, hash: string) => string);
}

/** The next bytes of a run's file, and where it goes on; null at its end. */
export async function exportPart(
  db: Queryable,
  run: string,
  head: RunFileHead,
  definitionOf: (hash: string) => Promise<Definition>,
  from: ExportPosition,
): Promise<{ bytes: Buffer; next: ExportPosition | null }> {
  const parts: Buffer[] = [];
  let size = 0;
  let { lines, offset, hash } = from;
  for await (const { place, text } of linesOf(db, run, head, definitionOf, from.place)) {
    const line = jsonWithoutSecrets(typeof text === 'string' ? text : text(lines, hash));
    const bytes = Buffer.from(`${line}\n`);
    const part = bytes.subarray(offset, offset + chunkBytes - size);
    parts.push(part);
    size += part.length;
    offset += part.length;
    if (offset < bytes.length) return { bytes: Buffer.concat(parts), next: { place, lines, offset, hash } };
    lines++;
    offset = 0;
    hash = hashAfter(hash, line);
  }
  return { bytes: Buffer.concat(parts), next: null };
}

async function* linesOf(
  db: Queryable,
  run: string,
  head: RunFileHead,
  definitionOf: (hash: string) => Promise<Definition>,
  from: string,
): AsyncGenerator<Line> {
  const [kind, position = ''] = from.split(' ');
  if (kind === 'head') yield { place: 'head', text: JSON.stringify(head) };
  if (kind === 'head' || kind === 'blob') {
    for (let after = position; ;) {
      const rows = await readLarge(db, run, after, largeRows);
      for (const { hash, json } of rows) {
        yield { place: `blob ${after}`, text: `{"blob":"${hash}","value":${json}}` };
        after = hash;
      }
      if (rows.length < largeRows) break;
    }
  }
  let seq = kind === 'event' || kind === 'definition' ? Number(position) : 0;
  // An event that was begun has its definition before it.
  let isDefined = kind === 'event';
  for (;;) {
    const rows = await readStored(db, run, seq, journalRows);
    for (const row of rows) {
      if (row.seq > seq) throw lacking(seq);
      for (const transition of row.transitions.slice(seq - row.seq)) {
        if (isUpgrade(transition) && !isDefined) {
          const { hash, manifest: definition } = await definitionOf(transition.to);
          yield { place: `definition ${seq}`, text: JSON.stringify({ hash, definition } satisfies RunFileDefinition) };
        }
        isDefined = false;
        yield { place: `event ${seq}`, text: JSON.stringify({ seq, ...transition }) };
        seq++;
      }
    }
    if (rows.length < journalRows) break;
  }
  yield { place: `event ${seq}`, text: (lines, sha256) => JSON.stringify({ end: { lines, sha256 } } satisfies RunFileEnd) };
}

function isUpgrade(stored: object): stored is Transition & { t: 'upgraded' } {
  return 't' in stored && stored.t === 'upgraded';
}

function lacking(seq: number): Fault {
  return new Fault(
    'internal',
    `what is recorded of the run lacks event ${seq}`,
    'Keep the database as it is, and compare it with a backup.',
  );
}
