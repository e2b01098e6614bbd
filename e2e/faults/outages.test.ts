import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { SignalboxClient } from '@signalbox/sdk/client/client.js';
import type { RunEvent } from '@signalbox/sdk/client/runs.js';
import type { SystemEvent } from '@signalbox/sdk/client/system.js';
import { withClient } from '@signalbox/stack/database/connect.js';
import { FaultProxy } from '@signalbox/testkit/fault-proxy.js';
import { testCase } from '../cases/case.ts';
import { ServersUnderTest } from '../servers-under-test.ts';
import { StackUnderTest, until } from '../stack-under-test.ts';
import { expectNothingLeft, expectVerified, holdings } from './left-behind.ts';
import { Load } from './load.ts';
import { growthMaxBytes, memoryOf } from './memory.ts';
import { unpublishedIn } from './servers.ts';

/** A read of each service that has a database, with its contract's deadline. */
const reads = [
  { path: '/api/v1/agents', deadlineMs: 2_000 },
  { path: '/api/v1/mcp-servers', deadlineMs: 2_000 },
  { path: '/api/v1/threads', deadlineMs: 2_000 },
  { path: '/api/v1/workflows', deadlineMs: 5_000 },
  { path: '/api/v1/keys', deadlineMs: 2_000 },
];
/** What a busy machine may add to a deadline. */
const graceMs = 1_000;
const progressMaxMs = 5_000;
const seenMaxMs = 10_000;

let servers: ServersUnderTest;
let postgres: FaultProxy;
let nats: FaultProxy;
let door: FaultProxy;
let stack: StackUnderTest;
let load: Load;

beforeAll(async () => {
  servers = await ServersUnderTest.start();
  postgres = await FaultProxy.to(servers.databaseUrl);
  nats = await FaultProxy.to(servers.natsUrl);
  stack = await StackUnderTest.create({
    ...servers.environment,
    DATABASE_URL: postgres.url(servers.databaseUrl),
    NATS_URL: nats.url(servers.natsUrl),
  });
  door = await FaultProxy.to(stack.url);
  stack.env['ALLOWED_HOSTS'] = new URL(door.url(stack.url)).host;
  await stack.start('--no-example');
  await stack.allUp();
  load = await Load.on(stack);
}, 180_000);

afterAll(async () => {
  await load?.[Symbol.asyncDispose]();
  for (const proxy of [postgres, nats, door]) proxy?.set({ kind: 'none' });
  if (stack) {
    const held = await holdings(stack);
    expect(await stack.stop()).toBe(0);
    await expectNothingLeft(stack, held);
  }
  await stack?.[Symbol.asyncDispose]();
  for (const proxy of [postgres, nats, door]) await proxy?.[Symbol.asyncDispose]();
  await servers?.[Symbol.asyncDispose]();
}, 90_000);

/** One read of each service: what it answers, and after how long. */
async function readAll(): Promise<
  { path: string; deadlineMs: number; status: number; body: unknown; retryAfter: string | null; tookMs: number }[]
> {
  return Promise.all(
    reads.map(async ({ path, deadlineMs }) => {
      const from = performance.now();
      const { status, body, headers } = await stack.rest('GET', path);
      return { path, deadlineMs, status, body, retryAfter: headers.get('retry-after'), tookMs: performance.now() - from };
    }),
  );
}

/** Gathers what is followed, but for progress, which is not recorded, until it ends or the signal is aborted. */
async function follow<T extends { type: string }>(events: AsyncIterable<T>, into: T[], signal: AbortSignal): Promise<void> {
  try {
    for await (const event of events) if (event.type !== 'step.progress') into.push(event);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

testCase(
  'F04',
  'PostgreSQL is away for 60 s under load',
  async (happened) => {
    const since = Date.now();
    await load.begin();
    postgres.set({ kind: 'refuse' });
    await sleep(10_000);
    const before = await memoryOf(stack);
    const answers: Awaited<ReturnType<typeof readAll>> = [];
    for (const end = performance.now() + 50_000; performance.now() < end; await sleep(1_000)) answers.push(...(await readAll()));
    const after = await memoryOf(stack);
    const back = Date.now();
    postgres.set({ kind: 'none' });
    const progressMs = await load.progressAfter(back, 30_000);
    const runs = await load.end();
    const grown = [...after].map(([name, bytes]) => ({ name, by: bytes - before.get(name)! }));
    const most = grown.reduce((one, other) => (other.by > one.by ? other : one));
    happened(`${answers.length} reads while it was away: all 503 with Retry-After, the slowest after ${slowest(answers)} ms`);
    happened(`memory over the last 50 s: ${most.name} grew most, by ${(most.by / 1024 ** 2).toFixed(1)} MiB`);
    happened(`progress ${progressMs} ms after it was back; ${runs} runs ended with the right output`);
    happened(await expectVerified(stack, since));
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' }, retryAfter: expect.stringMatching(/^\d+$/) as unknown });
      expect(answer.tookMs).toBeLessThanOrEqual(answer.deadlineMs + graceMs);
    }
    expect(most.by).toBeLessThanOrEqual(growthMaxBytes);
    expect(progressMs).toBeLessThanOrEqual(progressMaxMs);
  },
  180_000,
);

testCase(
  'F06',
  'NATS is away for 30 s under load, with followers of a run and of all changes',
  async (happened) => {
    const since = Date.now();
    const client = await stack.client();
    const changes: SystemEvent[] = [];
    const following = new AbortController();
    const followed = follow(client.system.events({ signal: following.signal }), changes, following.signal);
    await using _ = { [Symbol.asyncDispose]: async () => following.abort() }; // whatever happens, nobody follows on
    await load.begin();
    const id = load.runs.at(-1)!;
    const told: RunEvent[] = [];
    const toldAll = follow(client.runs.follow(id, { signal: following.signal }), told, following.signal);
    await sleep(300);
    nats.set({ kind: 'refuse' });
    await sleep(30_000);
    const back = Date.now();
    nats.set({ kind: 'none' });
    const progressMs = await load.progressAfter(back, 30_000);
    const runs = await load.end();
    await toldAll;
    await until('the outbox is drained', async () => (await withClient(servers.cluster.url('agents'), unpublishedIn)) === 0, 15_000);
    const drainedMs = Date.now() - back;
    const recorded = await Array.fromAsync(client.runs.events(id));
    const ends = (): unknown[] =>
      changes.flatMap(({ type, data }) => (type === 'run.changed' && data['status'] === 'succeeded' ? [data['id']] : []));
    await until('the follower has heard of every end', async () => load.runs.every((run) => ends().includes(run)), 15_000);
    following.abort();
    await followed;
    happened(
      `progress ${progressMs} ms after it was back; ${runs} runs ended with the right output; outboxes empty ${drainedMs} ms after it`,
    );
    happened(`the follower of one run was told all ${told.length} events once; the follower of all changes of every end once`);
    happened(await expectVerified(stack, since));
    expect(ends().sort()).toEqual([...load.runs].sort());
    expect(told.map(({ seq }) => seq)).toEqual(recorded.map(({ seq }) => seq));
    expect(progressMs).toBeLessThanOrEqual(progressMaxMs);
  },
  150_000,
);

for (const [name, proxyOf] of [
  ['PostgreSQL', () => postgres],
  ['NATS', () => nats],
] as const) {
  testCase(
    'F26',
    `the link to ${name} is a black hole`,
    async (happened) => {
      const since = Date.now();
      await readAll(); // the caller is known everywhere
      const from = performance.now();
      proxyOf().set({ kind: 'black-hole' });
      const answers = readAll();
      const key = await stack.adminKey();
      await until(
        `the fault of ${name} is seen`,
        async () => {
          const { body } = await stack.rest('GET', '/api/v1/system/services', { key });
          const states = (body as { data?: { name: string; status: string }[] }).data ?? [];
          return states.some((service) => service.name === 'registry' && service.status !== 'up');
        },
        seenMaxMs + 10_000,
      );
      const seenMs = performance.now() - from;
      await sleep(Math.max(0, 12_000 - seenMs)); // long enough for connections to be given up
      const later = await readAll();
      proxyOf().set({ kind: 'none' });
      const back = performance.now();
      await until('all reads are answered', async () => (await readAll()).every(({ status }) => status === 200), 30_000);
      const all = [...(await answers), ...later];
      happened(
        `seen after ${Math.round(seenMs)} ms; ${all.length} calls ended with ${[...new Set(all.map(({ status }) => status))].join(' or ')}, the slowest after ${slowest(all)} ms`,
      );
      happened(`all services answer again ${Math.round(performance.now() - back)} ms after the link was back`);
      await stack.allUp();
      happened(await expectVerified(stack, since));
      for (const answer of all) {
        expect([503, 504]).toContain(answer.status);
        expect([answer.path, answer.tookMs <= answer.deadlineMs + graceMs ? 'in time' : answer.tookMs]).toEqual([answer.path, 'in time']);
      }
      expect(seenMs).toBeLessThanOrEqual(seenMaxMs);
    },
    90_000,
  );
}

testCase(
  'F27',
  '300 requests by eight clients over a link with 200 ms of jitter where 1 % of pieces reset it, NATS with 200 ms of jitter too',
  async (happened) => {
    const since = Date.now();
    let attempts = 0;
    const client = new SignalboxClient({
      url: door.url(stack.url),
      apiKey: await stack.adminKey(),
      fetch: (...args) => {
        attempts++;
        return fetch(...args);
      },
    });
    const requests = 300;
    door.set({ kind: 'jitter', ms: 200, resets: 0.01 });
    nats.set({ kind: 'jitter', ms: 200, resets: 0 });
    const rest = Array.from({ length: requests }, (_, number) => number).values();
    const made: string[] = [];
    try {
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (const number of rest) {
            if (number % 3 === 0) made.push((await client.threads.create({ title: `f27-${number}` })).id);
            else if (number % 3 === 1) await client.state.put('workspace', `f27-${number}`, number);
            else await client.agents.get('counter');
          }
        }),
      );
    } finally {
      door.set({ kind: 'none' });
      nats.set({ kind: 'none' });
    }
    const own = await stack.client();
    const kept = (await Array.fromAsync(own.threads.list({ limit: 200 }))).filter(({ title }) => title?.startsWith('f27-'));
    happened(`all ${requests} succeeded with ${attempts} attempts; ${made.length} creates made ${kept.length} threads`);
    happened(await expectVerified(stack, since));
    expect(kept.map(({ id }) => id).sort()).toEqual(made.sort());
    expect(attempts).toBeLessThanOrEqual(1.1 * requests);
  },
  120_000,
);

function slowest(answers: readonly { tookMs: number }[]): number {
  return Math.round(Math.max(...answers.map(({ tookMs }) => tookMs)));
}
