import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { isAlive } from '@signalbox/stack/processes.js';
import { testCase, type Happened } from '../cases/case.ts';
import { Chance } from '../cases/chance.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import type { Load } from './load.ts';
import { asSuperuser } from './servers.ts';

/** A read that each service answers. */
export const reads: Record<string, string> = {
  'api-gateway': '/healthz',
  registry: '/api/v1/agents',
  'mcp-server': '/api/v1/mcp-servers',
  protocol: '/api/v1/breakers',
  context: '/api/v1/threads',
  execution: '/api/v1/workflows',
  security: '/api/v1/keys',
};

const progressMaxMs = 4_000;
const idleMaxMs = 2_000;
const loadedMaxMs = 5_000;

/** What ends sooner after its start is a crash loop in the launcher's eyes, which it answers by growing pauses. */
const stableMs = 3_100;

/** Until NATS has seen that a process is gone: what it is sent meanwhile is lost, and answered by 504 at its deadline. */
const noticeMs = 150;

/** Where in a commit the owner of runs is killed. */
type Moment = 'before the commit' | 'after the commit' | 'in the middle of it all';
const moments: Moment[] = ['before the commit', 'after the commit', 'in the middle of it all'];

/** Seeds of F01 in CI; `npm run verify:long` takes more. */
const seeds = Number(process.env['SIGNALBOX_SEEDS'] ?? 10);

/** F01 and F02, on a stack that they leave whole. */
export function killCases(stackOf: () => StackUnderTest, loadOf: () => Load): void {
  testCase(
    'F01',
    `execution is killed under load ${seeds} times: before its commit, after it, and in the middle`,
    async (happened) => {
      const [stack, load] = [stackOf(), loadOf()];
      const since = Date.now();
      const gaps = new Map<Moment, number[]>();
      await load.begin();
      for (let seed = 1; seed <= seeds; seed++) {
        const chance = new Chance(seed);
        const moment = moments[seed % moments.length]!;
        await sleep(Math.max(0, lastStart(stack) + stableMs - Date.now()) + 900 * chance.next());
        const at = await killOwner(stack, moment);
        gaps.set(moment, [...(gaps.get(moment) ?? []), await load.progressAfter(at, 30_000)]);
      }
      const runs = await load.end();
      for (const [moment, took] of gaps) happened(`killed ${moment} ${took.length} times: progress after ${range(took)}`);
      happened(`${runs} runs ended with the right output`);
      happened(await expectVerified(stack, since));
      for (const took of gaps.values()) expect(Math.max(...took)).toBeLessThanOrEqual(progressMaxMs);
    },
    30_000 + seeds * 15_000,
  );

  testCase(
    'F02',
    'each service is killed while nothing runs',
    async (happened) => {
      const stack = stackOf();
      await expectBack(stack, idleMaxMs, happened);
    },
    120_000,
  );

  testCase(
    'F02',
    'each service is killed under load',
    async (happened) => {
      const [stack, load] = [stackOf(), loadOf()];
      const since = Date.now();
      await load.begin();
      await expectBack(stack, loadedMaxMs, happened);
      happened(`${await load.end()} runs ended with the right output`);
      happened(await expectVerified(stack, since));
    },
    180_000,
  );
}

/** When the launcher last said that it had started execution again (epoch milliseconds). */
function lastStart({ output }: StackUnderTest): number {
  return Date.parse([...output.matchAll(/^(\S+) execution is back/gm)].at(-1)?.[1] ?? new Date(0).toISOString());
}

/** Kills the owner of all runs; resolves with when (epoch milliseconds). */
async function killOwner(stack: StackUnderTest, moment: Moment): Promise<number> {
  if (moment === 'in the middle of it all') {
    // Of some run: where none is under way, how soon a client starts another would be measured.
    await asSuperuser(stack, (client) =>
      until(
        'a run is under way',
        async () => (await client.query(`SELECT FROM execution.run WHERE status = 'running' LIMIT 1`)).rowCount === 1,
        10_000,
      ),
    );
    return killed(stack, 'execution');
  }
  // The journal takes no row while we hold it, so that the owner's commit waits in PostgreSQL.
  return asSuperuser(stack, async (client) => {
    await client.query('BEGIN');
    await client.query('LOCK TABLE execution.journal IN EXCLUSIVE MODE');
    const waiting = async (): Promise<number[]> => {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT DISTINCT pid FROM pg_locks WHERE relation = 'execution.journal'::regclass AND NOT granted`,
      );
      return rows.map(({ pid }) => pid);
    };
    await until('a commit waits', async () => (await waiting()).length > 0, 10_000);
    if (moment === 'before the commit') {
      const at = await killed(stack, 'execution');
      await client.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [await waiting()]); // what it sent is not done
      await client.query('ROLLBACK');
      return at;
    }
    // Stopped, it cannot hear that its commit was made; then it is killed.
    const writers = await waiting();
    await stack.kill('execution', 'SIGSTOP');
    await client.query('ROLLBACK');
    await until('the commit is made', async () => {
      const { rows } = await client.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND state <> 'idle'`,
        [writers],
      );
      return rows.length === 0;
    });
    return killed(stack, 'execution');
  });
}

/** Kills a process; resolves with when it was gone (epoch milliseconds): until then it may still have written something. */
async function killed(stack: StackUnderTest, name: string): Promise<number> {
  const pid = (await stack.processes()).get(name)!;
  await stack.kill(name);
  await until(`${name} is gone`, async () => !(await isAlive(pid)));
  return Date.now();
}

/** Kills one service after another: who asks for it is told so by 503, all others answer, and it is back in time. */
async function expectBack(stack: StackUnderTest, withinMs: number, happened: Happened): Promise<void> {
  for (const name of serviceNames) {
    let backMs = await killAndWait(stack, name, happened);
    // Once more: a machine that stood still meanwhile is not the service. Both are told.
    if (backMs > withinMs) {
      await sleep(stableMs);
      backMs = await killAndWait(stack, name, happened);
    }
    if (backMs > withinMs) throw new Error(`${name} was back after ${Math.round(backMs)} ms, more than ${withinMs}`);
  }
}

async function killAndWait(stack: StackUnderTest, name: string, happened: Happened): Promise<number> {
  await stack.allUp();
  const others = serviceNames.filter((other) => other !== name && other !== 'api-gateway');
  for (const read of Object.values(reads)) expect((await stack.rest('GET', read)).status).toBe(200); // the caller is known everywhere
  const killedAt = performance.now();
  await killed(stack, name);
  await sleep(noticeMs);
  const away = name === 'api-gateway' ? [] : othersWhileAway(stack, name, others);
  const { backMs, told } = await untilBack(stack, name, killedAt);
  for (const answers of await Promise.all(away)) expect(answers).toEqual(answers.map(([other]) => [other, 200]));
  happened(`${name} back after ${Math.round(backMs)} ms${told > 0 ? `, 503 ${told} times before` : ''}`);
  return backMs;
}

/** Asks each other service a few times while one is away. */
function othersWhileAway(stack: StackUnderTest, name: string, others: readonly string[]): Promise<[string, number][]>[] {
  return [0, 150, 300].map(async (pauseMs) => {
    await sleep(pauseMs);
    // Keys are asked of security; while it is away, the known identity is enough for all the others.
    return Promise.all(others.map(async (other): Promise<[string, number]> => [other, (await stack.rest('GET', reads[other]!)).status]));
  });
}

/** Asks every 50 ms, whatever else is unanswered, until it answers. Until then only 503 that names it is right, or for the gateway no answer. */
async function untilBack(stack: StackUnderTest, name: string, killedAt: number): Promise<{ backMs: number; told: number }> {
  let backMs: number | null = null;
  let told = 0;
  const ask = async (): Promise<void> => {
    const asked = Math.round(performance.now() - killedAt);
    const answer = await stack.rest('GET', reads[name]!).catch(() => null);
    const answered = Math.round(performance.now() - killedAt);
    const { code, service } = (answer?.body ?? {}) as { code?: string; service?: string };
    if (answer?.status === 200) backMs ??= answered;
    else if (answer === null ? name === 'api-gateway' : answer.status === 503 && code === 'unavailable' && service === name) told++;
    else
      throw new Error(
        `${name}, asked ${asked} ms after it was killed, said ${answered} ms after it: ${answer?.status} ${JSON.stringify(answer?.body)}`,
      );
  };
  const asking: Promise<void>[] = [];
  while (backMs === null) {
    if (performance.now() - killedAt > 30_000) throw new Error(`${name} is not back`);
    asking.push(ask());
    await sleep(50);
  }
  await Promise.all(asking);
  return { backMs, told };
}

function range(values: readonly number[]): string {
  return `${Math.min(...values)} to ${Math.max(...values)} ms`;
}
