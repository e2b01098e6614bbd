import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ended } from '../src/processes.ts';

const waitMs = 120_000;

/** A launcher as a process of its own, as a person starts it. */
export class Launcher {
  output = '';
  private readonly child: ChildProcess;

  constructor(root: string, args: string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [fileURLToPath(new URL('run-main.mjs', import.meta.url)), root, '--no-example', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Waits for a sentence; fails with everything that was said instead. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (const end = performance.now() + waitMs; performance.now() < end; await sleep(20)) {
      const found = pattern.exec(this.output);
      if (found) return found;
      if (this.child.exitCode !== null) break;
    }
    throw new Error(`it did not say ${pattern}; it said:\n${this.output}`);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async exit(): Promise<number | NodeJS.Signals | null> {
    const { code, signal } = await ended(this.child);
    await sleep(20); // what it said last is on its way
    return code ?? signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGTERM');
    await ended(this.child);
  }
}

/** Pids that the launcher noted, by name. */
export async function processesOf(data: string): Promise<Record<string, number>> {
  const noted = JSON.parse(await readFile(join(data, 'processes.json'), 'utf8')) as { name: string; pid: number }[];
  return Object.fromEntries(noted.map(({ name, pid }) => [name, pid]));
}
