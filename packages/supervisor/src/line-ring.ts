import type { Readable } from 'node:stream';
import { readLines } from './line-reader.ts';

export interface LineRingOptions {
  /** Lines kept; older ones go. */
  linesMax: number;
  /** What is kept of one line. */
  lineMaxBytes: number;
  onLine?: ((line: string) => void) | undefined;
}

/** 200 lines of 2 KiB: enough for a stack trace and what came before it, at most 400 KiB a child. */
export const lineRingDefaults: LineRingOptions = { linesMax: 200, lineMaxBytes: 2_048 };

/** Escape sequences, control codes and direction overrides: what a log of foreign text must not do to whoever reads it. */
const controls = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b[@-_]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Foreign text that is safe to show on a terminal, in a log and in a page. */
export function withoutControls(text: string): string {
  return text.replace(controls, '');
}

/** The last lines that a child wrote, bounded whatever it writes. */
export class LineRing {
  private readonly kept: string[] = [];
  /** Lines that were written in all. */
  total = 0;

  constructor(private readonly options: LineRingOptions = lineRingDefaults) {}

  /** Reads the stream until it ends. */
  follow(stream: Readable): void {
    readLines(stream, {
      // The bytes beyond a line's cap are read and dropped, so that the child never blocks on a full pipe.
      lineMaxBytes: Math.max(this.options.lineMaxBytes, 65_536),
      onLine: (line) => this.push(line.subarray(0, this.options.lineMaxBytes + 1).toString('utf8')),
      onTooLong: (bytes) => this.push(`(a line of more than ${bytes - 1} bytes)`),
    });
  }

  push(text: string): void {
    const clean = withoutControls(text);
    const line = clean.length > this.options.lineMaxBytes ? `${clean.slice(0, this.options.lineMaxBytes)}…` : clean;
    this.total++;
    this.kept.push(line);
    if (this.kept.length > this.options.linesMax) this.kept.shift();
    this.options.onLine?.(line);
  }

  get lines(): string[] {
    return [...this.kept];
  }
}
