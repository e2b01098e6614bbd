import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ChildSpec } from '../src/child-spec.ts';
import { startChild, type Child, type StartOptions } from '../src/child.ts';
import { exists, listProcesses } from '../src/process/process-table.ts';

export const fixture = fileURLToPath(new URL('./fixtures/child.mjs', import.meta.url));

/** A child that does one of the fixture's deeds. */
export function doing(deed: string[], more: Partial<ChildSpec> = {}): ChildSpec {
  return { command: [process.execPath, fixture, ...deed], cwd: '/', env: { PATH: '/usr/bin:/bin' }, ...more };
}

export function start(deed: string[], more: Partial<ChildSpec> = {}, options: StartOptions = {}): Promise<Child> {
  return startChild(doing(deed, more), options);
}

/** The next piece that the child prints. */
export async function printed(child: Child): Promise<string> {
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return chunk.toString();
}

/** All that it prints until it ends. */
export async function output(child: Child): Promise<string> {
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child.stdout, 'end');
  return text;
}

/** Whether a process is there and no zombie. */
export async function isAlive(pid: number): Promise<boolean> {
  return exists(pid) && !(await listProcesses()).find((entry) => entry.pid === pid)?.isZombie;
}

export async function until(isTrue: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
