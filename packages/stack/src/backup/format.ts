import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { StackFault } from '../stack-fault.ts';

/** Raised when an older Signalbox could not read what this one writes. */
export const backupFormat = 2;

/** The first line of a backup: what it is, and what it needs. */
export interface Head {
  signalboxBackup: number;
  at: string;
  /** Version of the Signalbox that wrote it. */
  signalbox: string;
  /** Id of the master key that seals the secrets in it; null when the installation had none. */
  masterKey: string | null;
  /** Names of the migrations that each schema had, in order. */
  migrations: Partial<Record<ServiceName, string[]>>;
}

/** The line before a table's rows, which are in PostgreSQL's text form of COPY, one a line, and end with `\.`. */
export interface TableLine {
  service: ServiceName;
  table: string;
  columns: string[];
  /** Partitions by name, with their bounds as PostgreSQL writes them. */
  partitions: Record<string, string>;
}

/** The last line: what stood before it. It shows damage; against forgery a backup is kept as private as its database. */
export interface Foot {
  rows: number;
  /** Of all lines before this one, in hexadecimal. */
  sha256: string;
}

export const endOfRows = '\\.';

const useAnother = 'The file is damaged or was altered: use another one. Nothing was written.';

/**
 * The lines of a backup but its last one. Ends with an error when the file is cut or altered: whoever writes what is read commits only at the end.
 */
export async function* backupLines(file: string): AsyncGenerator<string> {
  const digest = createHash('sha256');
  let last: string | null = null;
  for await (const line of linesOf(file)) {
    if (last !== null) {
      digest.update(last).update('\n');
      yield last;
    }
    last = line;
  }
  const foot = parsed<Foot>(last ?? '');
  if (typeof foot?.sha256 !== 'string') throw new StackFault(`The backup ${file} ends too early.`, useAnother);
  if (foot.sha256 !== digest.digest('hex'))
    throw new StackFault(`The backup ${file} is not what was written: its digest differs.`, useAnother);
}

/** Reads all of a backup, and returns its head when it is whole. */
export async function checkBackup(file: string): Promise<Head> {
  let head: Head | null = null;
  for await (const line of backupLines(file)) head ??= headOf(line, file);
  if (!head) throw new StackFault(`${file} is empty.`, useAnother);
  return head;
}

export function headOf(line: string, file: string): Head {
  const head = parsed<Head>(line);
  if (!head || typeof head.signalboxBackup !== 'number' || typeof head.migrations !== 'object')
    throw new StackFault(`${file} is no backup of Signalbox.`, 'Give a file that `signalbox backup` wrote.');
  if (head.signalboxBackup !== backupFormat) {
    throw new StackFault(
      `The backup is of format ${head.signalboxBackup} (Signalbox ${head.signalbox ?? 'before 0.1'}), and this Signalbox reads format ${backupFormat}.`,
      'Restore it with the Signalbox that wrote it, then update.',
    );
  }
  return head;
}

function parsed<T>(line: string): (Partial<T> & T) | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as T) : null;
  } catch {
    return null;
  }
}

/** Lines end at `\n` alone: rows may hold other characters that end lines for Unicode. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const unzipped = createGunzip();
  pipeline(createReadStream(file), unzipped).catch(() => undefined); // an error ends the reading below
  unzipped.setEncoding('utf8');
  let rest: string[] = [];
  try {
    for await (const piece of unzipped) {
      const [first, ...more] = String(piece).split('\n');
      rest.push(first!);
      for (const next of more) {
        yield rest.join('');
        rest = [next];
      }
    }
  } catch (cause) {
    throw new StackFault(`The backup ${file} cannot be read: ${(cause as Error).message}.`, useAnother, { cause });
  }
  if (rest.join('') !== '') yield rest.join('');
}
