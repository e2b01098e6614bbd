import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../src/cli/io.ts';
import { runCli } from '../src/cli/program.ts';

/** What a command printed, and how it ended. */
export interface Printed {
  exit: number;
  out: string;
  err: string;
}

export interface Surroundings {
  env?: Record<string, string>;
  cwd?: string;
  /** Standard output is a terminal of so many columns. */
  terminal?: number;
  rows?: number;
  /** Answers to questions; none: there is no terminal to ask on. */
  answer?: string;
  /** What is typed unseen. */
  typed?: string;
  stdin?: string;
  signal?: AbortSignal;
  now?: number | (() => number);
}

/** Runs the command line in this process, with streams of its own. */
export async function signalbox(args: readonly string[], surroundings: Surroundings = {}): Promise<Printed> {
  const printed = { out: '', err: '' };
  const { terminal, answer, typed, now = Date.parse('2026-11-24T12:00:10Z') } = surroundings;
  const io: Io = {
    stdout: { write: (text) => (printed.out += text), isTTY: terminal !== undefined, columns: terminal, rows: surroundings.rows },
    stderr: { write: (text) => (printed.err += text) },
    env: surroundings.env ?? {},
    cwd: surroundings.cwd ?? tmpdir(),
    now: () => (typeof now === 'function' ? now() : now),
    signal: surroundings.signal ?? new AbortController().signal,
    readStdin: () => Promise.resolve(surroundings.stdin ?? ''),
    ...(typed !== undefined && { askHidden: (question: string) => Promise.resolve(((printed.out += question), typed)) }),
    ...(answer !== undefined && { ask: (question: string) => Promise.resolve(((printed.out += question), answer)) }),
  };
  const exit = await runCli(args, io);
  return { exit, ...printed };
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<{ path: string; [Symbol.asyncDispose]: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
