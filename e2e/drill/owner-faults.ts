import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '@signalbox/stack/processes.js';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { asSuperuser } from '../faults/servers.ts';
import type { Chance } from '../cases/chance.ts';
import type { DrillWorkers } from './workers.ts';

export interface Injected {
  kind: string;
  /** How long all runs that were under way took to go on, in milliseconds; of owner kills. */
  progressMs?: number;
}

const owners = ['execution', 'execution-2', 'execution-3'];
const standMs = 5_000;
const progressWithinMs = 30_000;

/** One fault, from its beginning until what it hit is back. */
export type Fault = (stack: StackUnderTest, workers: DrillWorkers, chance: Chance) => Promise<Injected>;

/** What the drill does to a running stack; kills of owners are most of it. */
export const faults: readonly Fault[] = [
  killOwner,
  killOwner,
  killOwner,
  async (stack, _, chance) => {
    const pid = await anOwner(stack, chance);
    process.kill(pid, 'SIGSTOP');
    await sleep(standMs);
    process.kill(pid, 'SIGCONT');
    return { kind: 'owner stopped' };
  },
  async (stack, _, chance) => {
    process.kill(await anOwner(stack, chance), 'SIGTERM');
    return { kind: 'owner ended in order' };
  },
  async (_, workers, chance) => {
    workers.kill(chance);
    return { kind: 'worker killed' };
  },
  async (_, workers, chance) => {
    await workers.stand(chance, standMs);
    return { kind: 'worker stopped' };
  },
  (stack) => killServer(stack, 'PostgreSQL'),
  (stack) => killServer(stack, 'NATS'),
  (stack, _, chance) => shiftClock(stack, chance),
];

/** The process of an owner that lives: one that was killed comes back by itself. */
async function anOwner(stack: StackUnderTest, chance: Chance): Promise<number> {
  let living: number[] = [];
  await until('two owners live', async () => {
    const all = await stack.processes();
    const pids = owners.flatMap((name) => all.get(name) ?? []);
    const alive = await Promise.all(pids.map((pid) => isAlive(pid)));
    living = pids.filter((_, at) => alive[at]);
    return living.length > 1;
  });
  return chance.of(living);
}

async function killServer(stack: StackUnderTest, name: string): Promise<Injected> {
  const said = stack.output.length;
  await stack.kill(name);
  await until(`${name} is started again`, async () => stack.output.slice(said).includes(`${name} is back`));
  return { kind: `${name} killed` };
}

/** Kills an owner and waits until each run that was under way has gone on. */
async function killOwner(stack: StackUnderTest, _: DrillWorkers, chance: Chance): Promise<Injected> {
  process.kill(await anOwner(stack, chance), 'SIGKILL');
  const killed = performance.now();
  const before = await recorded(stack);
  for (let now = before; [...before].some(([run, count]) => now.get(run) === count); now = await recorded(stack)) {
    if (performance.now() - killed > progressWithinMs) throw new Error('runs stand still after an owner was killed');
    await sleep(50);
  }
  return { kind: 'owner killed', progressMs: Math.round(performance.now() - killed) };
}

/** How much is recorded of each run that is under way. */
async function recorded(stack: StackUnderTest): Promise<Map<string, number>> {
  return asSuperuser(stack, async (client) => {
    const { rows } = await client.query<{ run_id: string; count: number }>(
      `SELECT run_id, sum(count)::int AS count FROM execution.journal JOIN execution.run USING (run_id) WHERE status = 'running' GROUP BY run_id`,
    );
    return new Map(rows.map(({ run_id, count }) => [run_id, count]));
  });
}

/** A further owner joins whose clock jumps while it works, takes its share, and is killed. */
async function shiftClock(stack: StackUnderTest, chance: Chance): Promise<Injected> {
  const pid = await anOwner(stack, chance);
  const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean);
  const env = Object.fromEntries(variables.map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]));
  const jumpMs = (chance.is(0.5) ? 1 : -1) * (5_000 + chance.below(3_595_000));
  const child = spawn(
    process.execPath,
    [
      '--import',
      new URL('shifted-clock.mjs', import.meta.url).href,
      fileURLToPath(new URL('../../apps/execution/dist/main.js', import.meta.url)),
    ],
    { stdio: 'ignore', env: { ...env, MANAGEMENT_PORT: '0', CLOCK_JUMP_MS: String(jumpMs) } },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await sleep(10_000);
  child.kill('SIGKILL');
  await exited;
  return { kind: 'clock shifted' };
}
