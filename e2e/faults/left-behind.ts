import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { isAlive } from '@signalbox/stack/processes.js';
import { listens } from '../servers-under-test.ts';
import type { StackUnderTest } from '../stack-under-test.ts';

/** What a running stack holds of the machine. */
export interface Holdings {
  pids: number[];
  ports: number[];
}

/** All processes below the launcher (services, servers, workers, stdio servers) and the ports that they listen on. */
export async function holdings(stack: StackUnderTest): Promise<Holdings> {
  const { pid, management } = JSON.parse(await readFile(join(stack.data, 'stack.json'), 'utf8')) as {
    pid: number;
    management: Record<string, number>;
  };
  const pids = [pid, ...(await below(pid))];
  return { pids, ports: [stack.port, ...Object.values(management)] };
}

async function below(launcher: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => ''); // it has just ended
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const found = new Set([launcher]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found].filter((pid) => pid !== launcher);
}

/** After an end: no process, no port, no lock, no unfinished file. */
export async function expectNothingLeft(stack: StackUnderTest, { pids, ports }: Holdings): Promise<void> {
  const alive = await Promise.all(pids.map(async (pid) => ((await isAlive(pid)) ? [pid] : [])));
  expect(alive.flat()).toEqual([]);
  const open = await Promise.all(ports.map(async (port) => ((await listens(port)) ? [port] : [])));
  expect(open.flat()).toEqual([]);
  for (const name of ['launcher.lock', 'stack.json']) await expect(access(join(stack.data, name))).rejects.toThrow('ENOENT');
  const files = await readdir(stack.data, { recursive: true });
  expect(files.filter((name) => /\.unfinished$|\.password-|launcher\.lock\.|postmaster\.pid$/.test(name))).toEqual([]);
}

/** `signalbox verify` has nothing to say; resolves with what it looked at, in a sentence. */
export async function expectVerified(stack: StackUnderTest, since: number): Promise<string> {
  const { code, out, err } = await stack.cli('verify', '--json', '--since', new Date(since).toISOString());
  if (code !== 0) throw new Error(`signalbox verify ended with ${code}: ${err}${out}`);
  const { checked } = JSON.parse(out) as { checked: { runs: number; events: number; results: number; auditEntries: number } };
  return `verify is clean: ${checked.runs} runs, ${checked.events} events, ${checked.results} results once each, ${checked.auditEntries} links of the audit`;
}
