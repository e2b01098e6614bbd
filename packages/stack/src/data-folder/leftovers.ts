import { join } from 'node:path';
import { commandOf, endProcess, isAlive } from '../processes.ts';
import type { DataLayout } from './layout.ts';
import { readJson, writePrivate } from './private-files.ts';

interface Recorded {
  name: string;
  pid: number;
  /** Its command line: another process may have the id by now. */
  command: string;
}

const graceMs = 5_000;

function fileOf(layout: DataLayout): string {
  return join(layout.root, 'processes.json');
}

/** Remembers which processes the launcher started, for a start after it was killed. */
export async function recordProcesses(layout: DataLayout, processes: { name: string; pid: number }[]): Promise<void> {
  const recorded: Recorded[] = await Promise.all(processes.map(async ({ name, pid }) => ({ name, pid, command: await commandOf(pid) })));
  await writePrivate(fileOf(layout), JSON.stringify(recorded));
}

/** Ends what an earlier launcher of this folder left running; returns their names. */
export async function endLeftovers(layout: DataLayout): Promise<string[]> {
  const recorded = (await readJson<Recorded[]>(fileOf(layout)).catch(() => null)) ?? [];
  const left: Recorded[] = [];
  for (const process of recorded) {
    if (process.command !== '' && (await isAlive(process.pid)) && (await commandOf(process.pid)) === process.command) left.push(process);
  }
  await Promise.all(left.map(({ pid }) => endProcess(pid, ['SIGTERM'], graceMs)));
  return left.map(({ name }) => name);
}
