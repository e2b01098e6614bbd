import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Guardian } from '../src/process/guardian.ts';
import { hostTools } from '../src/containment/tools.ts';
import { exists, sendSignal } from '../src/process/process-table.ts';
import { fixture, isAlive, until } from './deeds.ts';

const parent = fileURLToPath(new URL('./fixtures/parent.mjs', import.meta.url));
const built = fileURLToPath(new URL('../dist/child.js', import.meta.url));
const isStrong = (await hostTools()).bwrap !== undefined;

/** Kills a process that has a family, and expects the family to go. */
async function killsFamily(level: string | undefined, isFamilyNamed: boolean): Promise<void> {
  const process_ = spawn(process.execPath, [parent, fixture, ...(level ? [level] : [])], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = (await once(process_.stdout, 'data')) as [Buffer];
  const [child, ...family] = chunk.toString().trim().split(' ').map(Number);
  expect(await isAlive(child!)).toBe(true);
  process_.kill('SIGKILL');
  const all = isFamilyNamed ? [child!, ...family] : [child!];
  await until(async () => (await Promise.all(all.map(isAlive))).every((alive) => !alive));
}

(existsSync(built) ? describe : describe.skip)('when we are killed without warning', () => {
  test('children go with us, also those who left their group', () => killsFamily(undefined, true));
  test('contained ones too', () => (isStrong ? killsFamily('strong', false) : Promise.resolve()));
});

test('a guardian that is killed is replaced and knows its groups again; what it forgot is not touched', async () => {
  const guardian = new Guardian();
  const groups = [0, 1].map(() => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }));
  for (const { pid } of groups) guardian.add(pid!);
  guardian.remove(groups[1]!.pid!);
  guardian.remove(1);
  const first = shellOf(guardian);
  sendSignal(first.pid!, 'SIGKILL');
  await until(() => shellOf(guardian) !== null && shellOf(guardian) !== first);
  shellOf(guardian).stdin!.end();
  await until(async () => !(await isAlive(groups[0]!.pid!)));
  expect(exists(groups[1]!.pid!)).toBe(true);
  sendSignal(-groups[1]!.pid!, 'SIGKILL');
  guardian.remove(groups[0]!.pid!);
});

function shellOf(guardian: Guardian): ReturnType<typeof spawn> {
  return (guardian as unknown as { shell: ReturnType<typeof spawn> }).shell;
}
