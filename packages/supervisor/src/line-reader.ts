import type { Readable } from 'node:stream';

export interface LineReaderOptions {
  /** A longer line is told to `onTooLong` once, as soon as it is too long, and skipped to its end. */
  lineMaxBytes: number;
  onLine: (line: Buffer) => void;
  onTooLong: (bytes: number) => void;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Cuts a stream into lines with bounded memory: a line without an end costs no more than `lineMaxBytes`. */
export function readLines(stream: Readable, { lineMaxBytes, onLine, onTooLong }: LineReaderOptions): void {
  let parts: Buffer[] = [];
  let held = 0;
  let isSkipping = false;

  const hold = (part: Buffer): void => {
    if (isSkipping || part.length === 0) return;
    if (held + part.length > lineMaxBytes) {
      onTooLong(held + part.length);
      parts = [];
      held = 0;
      isSkipping = true;
      return;
    }
    parts.push(part);
    held += part.length;
  };
  const finish = (): void => {
    if (!isSkipping && held > 0) {
      const line = parts.length === 1 ? parts[0]! : Buffer.concat(parts, held);
      onLine(line.at(-1) === carriageReturn ? line.subarray(0, -1) : line);
    }
    parts = [];
    held = 0;
    isSkipping = false;
  };

  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      hold(chunk.subarray(from, at));
      finish();
      from = at + 1;
    }
    hold(chunk.subarray(from));
  });
  stream.on('end', finish);
  stream.on('error', () => undefined); // a broken pipe is the child's end, which is told elsewhere
}
