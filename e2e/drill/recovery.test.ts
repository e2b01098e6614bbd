import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import type { IncidentEntry } from '@signalbox/sdk/client/incidents.js';
import { hasEnded, type RunEvent } from '@signalbox/sdk/client/runs.js';
import { Chance } from '../cases/chance.ts';
import { insist, StackUnderTest, until } from '../stack-under-test.ts';
import { Fleet, type Member, type Mode } from './fleet.ts';

const minutes = Number(process.env['DRILL_MINUTES'] ?? 2);
const seed = Number(process.env['DRILL_SEED'] ?? 1);
const { DRILL_REPORT } = process.env;

const agents = ['reader', 'writer', 'critic', 'solver', 'judge'];
const instancesEach = 4;
const aliveMax = 6;
const items = 10;

/** After so many tasks an instance can be judged by the newest: `calls` of the agents' recovery, twice. */
const calls = 5;
const evidence = 2 * calls;
/** An instance that hangs is gone after three beats of 2 s, one whose connection breaks after 3 s in which it could have come back. */
const silenceMs = 6_000;
const brokenMs = 3_000;
/** What is promised, once the limit of detection has passed; and from then on until its tasks are with others. */
const isolatedWithinMs = 1_000;
const redistributedWithinMs = 2_000;

const kinds = ['killed', 'hung', 'slow', 'errors', 'garbage'] as const;
type Kind = (typeof kinds)[number];

/** Milliseconds of one fault. */
interface Drilled {
  kind: Kind;
  instance: string;
  /** From the limit of detection until it was out of routing. */
  isolatedMs: number;
  /** From then on until the last of its tasks had begun elsewhere; null where it had none. */
  redistributedMs: number | null;
  /** From the fault until it does its work again, or another is in its place. */
  recoveredMs: number;
}

test(
  `five agents of four instances each under faults for ${minutes} minutes, seed ${seed}`,
  async () => {
    const chance = new Chance(seed);
    await using stack = await StackUnderTest.create();
    await stack.start('--no-example');
    const client = await stack.client();
    const since = new Date().toISOString();
    for (const agent of agents) await client.agents.apply(manifestOf(agent) as never);
    await client.workflows.apply(workflow as never);
    const fleet = await Fleet.start(stack, agents, instancesEach);
    const runs: string[] = [];
    const drilled: Drilled[] = [];
    try {
      await until('all instances beat', async () => (await living(client)) === agents.length * instancesEach, 120_000);
      let isOn = true;
      const load = Array.from({ length: aliveMax }, () => runAgainAndAgain(client, chance, runs, () => isOn));
      await sleep(5_000); // what is usual has to be known before anything can stand out
      const end = performance.now() + minutes * 60_000;
      for (let number = 0; performance.now() < end; number++) {
        const kind = kinds[number % kinds.length]!;
        const member = chance.of([...fleet.members].filter((each) => each.agent === agents[number % agents.length]));
        drilled.push(await drill(client, kind, member));
      }
      isOn = false; // not before: an instance on trial needs tasks
      await Promise.all(load);
      const report = { faults: countsOf(drilled), runs: runs.length, ...stagesOf(drilled), seed };
      console.log(JSON.stringify(report));
      if (DRILL_REPORT) await writeFile(DRILL_REPORT, JSON.stringify(report));
      const { code, out, err } = await stack.cli('verify', '--json', '--since', since, '--limit', '100000');
      if (code !== 0) throw new Error(`signalbox verify ended with ${code}: ${err}${out}`);
      const late = drilled.filter(
        ({ isolatedMs, redistributedMs }) => isolatedMs > isolatedWithinMs || (redistributedMs ?? 0) > redistributedWithinMs,
      );
      expect(late).toEqual([]);
      expect(drilled.length).toBeGreaterThanOrEqual(kinds.length);
    } finally {
      await fleet.end();
    }
  },
  (minutes + 6) * 60_000,
);

function manifestOf(name: string): object {
  const outputSchema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  return {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Agent',
    metadata: { name },
    spec: {
      kind: 'worker',
      skills: [{ name: 'double', description: 'Gives twice the number.', outputSchema }],
      recovery: { calls, trialAfterMs: 2_000, trialCalls: 3, attempts: 10 },
    },
  };
}

const retry = { attempts: 8, backoff: { initialMs: 50, maxMs: 500 } };
const workflow = {
  apiVersion: 'signalbox.dev/v1',
  kind: 'Workflow',
  metadata: { name: 'recovery-drill' },
  spec: {
    steps: Object.fromEntries(agents.map((agent) => [agent, { agent, forEach: '${{ input.list }}', with: '${{ item }}', retry }])),
    outputs: Object.fromEntries(agents.map((agent) => [agent, `\${{ steps.${agent}.output }}`])),
  },
};

async function living(client: SignalboxClient): Promise<number> {
  let count = 0;
  for await (const { status } of client.instances.list({ limit: 200 })) if (status === 'live') count++;
  return count;
}

/** Runs one after the other until the time is over; each ends with what it must. */
async function runAgainAndAgain(client: SignalboxClient, chance: Chance, runs: string[], isOn: () => boolean): Promise<void> {
  while (isOn()) {
    const list = Array.from({ length: items }, () => chance.below(1_000));
    const idempotencyKey = randomUUID();
    const { id } = await insist(() => client.workflows.start('recovery-drill', { input: { list } }, { idempotencyKey }));
    runs.push(id);
    for (;;) {
      const run = await insist(() => client.runs.get(id));
      if (hasEnded(run.status)) {
        const doubled = list.map((n) => ({ n: 2 * n }));
        const output = Object.fromEntries(agents.map((agent) => [agent, doubled]));
        expect({ id, status: run.status, error: run.error, output: run.output }).toEqual({ id, status: 'succeeded', error: null, output });
        break;
      }
      await sleep(250);
    }
  }
}

/** One fault, from its beginning until the instance does its work again, or another is in its place. */
async function drill(client: SignalboxClient, kind: Kind, member: Member): Promise<Drilled> {
  const { agent, instance, child } = member;
  const begun = Date.now();
  const before = member.bad.length;
  const alive = await liveRuns(client);
  if (kind === 'killed') child.kill('SIGKILL');
  else if (kind === 'hung') child.kill('SIGSTOP');
  else member.do(kind satisfies Mode);
  const isLost = kind === 'killed' || kind === 'hung';
  // One that is lost is out of routing by that.
  const isolated = await entry(client, member, begun, isLost ? 'detected' : 'isolated');
  const limit =
    kind === 'killed' ? begun + brokenMs : kind === 'hung' ? begun + silenceMs : (member.bad[before + evidence - 1] ?? isolated);
  for (const id of await liveRuns(client)) if (!alive.includes(id)) alive.push(id);
  if (kind === 'hung') child.kill('SIGCONT');
  else if (!isLost) member.do('well');
  const recovered = isLost ? await back(client, agent) : await entry(client, member, isolated, 'recovered');
  return {
    kind,
    instance,
    isolatedMs: Math.max(0, isolated - limit),
    // What a dead process had is known when it is known to be dead.
    redistributedMs: await redistributed(client, alive, member, isLost ? begun : isolated, isLost ? limit : isolated),
    recoveredMs: recovered - begun,
  };
}

async function liveRuns(client: SignalboxClient): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of client.runs.list({ status: 'running', limit: 100 })) ids.push(id);
  return ids;
}

/** When a timeline first tells this of the instance. */
async function entry(client: SignalboxClient, { agent, instance }: Member, since: number, stage: IncidentEntry['stage']): Promise<number> {
  let told: IncidentEntry[] = [];
  for (const end = performance.now() + 60_000; performance.now() < end; await sleep(100)) {
    told = [];
    for await (const { id } of client.incidents.list({ limit: 100 })) told.push(...(await client.incidents.get(id)).timeline);
    const found = told.find(
      (each) => each.agent === agent && each.instance === instance && each.stage === stage && Date.parse(each.at) >= since,
    );
    if (found !== undefined) return Date.parse(found.at);
  }
  const timeline = told.map((each) => `${each.at} ${each.instance ?? each.agent} ${each.stage} ${each.text}`).sort();
  throw new Error(`it is not told that ${instance} is ${stage}, since ${new Date(since).toISOString()}:\n${timeline.join('\n')}`);
}

/** When the agent has all of its instances again. */
async function back(client: SignalboxClient, agent: string): Promise<number> {
  await until(
    `${agent} has all instances`,
    async () => {
      let count = 0;
      for await (const { status } of client.instances.list({ agent, limit: 200 })) if (status === 'live') count++;
      return count >= instancesEach;
    },
    90_000,
  );
  return Date.now();
}

/** From a moment until the last task that the instance had at another had begun with somebody else. */
async function redistributed(
  client: SignalboxClient,
  runs: readonly string[],
  { instance }: Member,
  had: number,
  from: number,
): Promise<number | null> {
  let last: number | null = null;
  for (const id of runs) {
    await until(`${id} has ended`, async () => hasEnded((await insist(() => client.runs.get(id))).status), 120_000);
    const events: RunEvent[] = [];
    for await (const event of client.runs.events(id, { limit: 200 })) events.push(event);
    for (const [, ofStep] of Map.groupBy(events, ({ step }) => step)) {
      const begins = ofStep.filter(({ type }) => type === 'step.started');
      const index = begins.findIndex(({ instance: who, at }) => who === instance && Date.parse(at) <= had);
      const next = begins[index + 1];
      if (index < 0 || next === undefined || Date.parse(next.at) < had) continue;
      last = Math.max(last ?? 0, Date.parse(next.at) - from);
    }
  }
  return last;
}

function countsOf(drilled: readonly Drilled[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(drilled, ({ kind }) => kind)].map(([kind, some]) => [kind, some.length]));
}

function stagesOf(drilled: readonly Drilled[]): Record<string, Record<string, { p50: number; max: number }>> {
  const figures = (values: readonly number[]): { p50: number; max: number } => {
    const sorted = values.toSorted((a, b) => a - b);
    return { p50: sorted[sorted.length >> 1] ?? 0, max: sorted.at(-1) ?? 0 };
  };
  const of = (some: readonly Drilled[]): Record<string, { p50: number; max: number }> => ({
    isolatedMs: figures(some.map(({ isolatedMs }) => isolatedMs)),
    redistributedMs: figures(some.flatMap(({ redistributedMs }) => redistributedMs ?? [])),
    recoveredMs: figures(some.map(({ recoveredMs }) => recoveredMs)),
  });
  return Object.fromEntries([...Map.groupBy(drilled, ({ kind }) => kind)].map(([kind, some]) => [kind, of(some)]));
}
