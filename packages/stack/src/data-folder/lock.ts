import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { commandOf, isAlive } from '../processes.ts';
import { StackFault } from '../stack-fault.ts';
import type { DataLayout } from './layout.ts';
import { readJson } from './private-files.ts';
import { unusable } from './unusable.ts';

interface Holder {
  pid: number;
  /** The holder's command line: another process may have its id by now. */
  command: string;
}

/** Where a running stack listens, for those who look for it. */
export interface StackFile {
  url: string;
  pid: number;
  /** Management ports by service. */
  management: Record<string, number>;
}

/** Takes a data folder for this process alone; the returned function gives it back. Refuses while another one works in it, saying where. */
export async function lockDataFolder(layout: DataLayout): Promise<() => Promise<void>> {
  await mkdir(dirname(layout.lockFile), { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw unusable(layout.root, error);
  });
  const mine: Holder = { pid: process.pid, command: await commandOf(process.pid) };
  const draft = `${layout.lockFile}.${process.pid}`;
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    throw unusable(layout.root, error);
  });
  try {
    while (!(await linked(draft, layout.lockFile))) {
      const holder = await readHolder(layout.lockFile);
      if (holder && (await isHolding(holder))) throw await heldBy(holder, layout);
      await rm(layout.lockFile, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  return () => rm(layout.lockFile, { force: true });
}

/** A link appears with its contents or not at all, and only one process can make it. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

async function isHolding({ pid, command }: Holder): Promise<boolean> {
  return pid !== process.pid && (await isAlive(pid)) && (await commandOf(pid)) === command;
}

async function heldBy(holder: Holder, layout: DataLayout): Promise<StackFault> {
  const stack = await readJson<StackFile>(layout.stackFile).catch(() => null);
  const where = stack?.pid === holder.pid ? `and listens at ${stack.url}` : 'and is still starting';
  return new StackFault(
    `Signalbox already runs in ${layout.root} (process ${holder.pid}) ${where}.`,
    'Use that one, end it with Ctrl-C, or start another one with --data DIR and --port N.',
  );
}
