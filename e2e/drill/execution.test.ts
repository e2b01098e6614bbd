import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { hasEnded, type RunDetail } from '@signalbox/sdk/client/runs.js';
import { Chance } from '../cases/chance.ts';
import { insist, StackUnderTest } from '../stack-under-test.ts';
import { faults, type Injected } from './owner-faults.ts';
import { childWorkflow, randomWorkflow, type Drilled, type DrillInput } from './random-workflow.ts';
import { DrillWorkers } from './workers.ts';

const minutes = Number(process.env['DRILL_MINUTES'] ?? 2);
const seed = Number(process.env['DRILL_SEED'] ?? 1);
const { DRILL_REPORT } = process.env;

const workflowCount = 16;
const aliveMax = 12;
const workerCount = 4;

interface Started {
  id: string;
  drilled: Drilled;
  input: DrillInput;
}

/** What the drill found, as the last line of its output. */
interface Report {
  faults: Record<string, number>;
  runs: number;
  steps: number;
  lost: number;
  twice: number;
  progressMs: { p50: number; max: number };
  seed: number;
}

test(
  `random workflows under faults for ${minutes} minutes, seed ${seed}`,
  async () => {
    const chance = new Chance(seed);
    await using stack = await StackUnderTest.create();
    await stack.start('--no-example', '--owners', '3');
    const client = await stack.client();
    const since = Date.now();
    await client.agents.apply({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Agent',
      metadata: { name: 'drill' },
      spec: { kind: 'worker', skills: [{ name: 'work', description: 'Gives what it is told to.' }] },
    } as never);
    const drilled = Array.from({ length: workflowCount }, (_, number) => randomWorkflow(chance, `drill-${number}`));
    await client.workflows.apply(childWorkflow as never);
    for (const { manifest } of drilled) await client.workflows.apply(manifest as never);
    const workers = await DrillWorkers.start(stack, workerCount);
    const started: Started[] = [];
    const injected: Injected[] = [];
    const end = performance.now() + minutes * 60_000;
    try {
      const starting = Array.from({ length: aliveMax }, () =>
        startAgainAndAgain(client, chance, drilled, started, () => performance.now() < end),
      );
      while (performance.now() < end) {
        await sleep(1_000 + chance.below(3_000));
        injected.push(await chance.of(faults)(stack, workers, chance));
      }
      await Promise.all(starting);
      const report = await check(client, started, injected);
      const { code, out, err } = await stack.cli('verify', '--json', '--since', new Date(since).toISOString(), '--limit', '100000');
      console.log(JSON.stringify(report));
      if (DRILL_REPORT) await writeFile(DRILL_REPORT, JSON.stringify(report));
      expect(report).toMatchObject({ lost: 0, twice: 0 });
      if (code !== 0) throw new Error(`signalbox verify ended with ${code}: ${err}${out}`);
    } finally {
      await workers.end();
    }
  },
  (minutes + 6) * 60_000,
);

/** Runs one after the other until the time is over, each to its end. */
async function startAgainAndAgain(
  client: SignalboxClient,
  chance: Chance,
  drilled: readonly Drilled[],
  started: Started[],
  isOn: () => boolean,
): Promise<void> {
  while (isOn()) {
    const one = chance.of(drilled);
    const input = { n: chance.below(10), list: Array.from({ length: chance.below(7) }, () => chance.below(100)) };
    const { name } = (one.manifest as { metadata: { name: string } }).metadata;
    const idempotencyKey = randomUUID();
    const { id } = await insist(() => client.workflows.start(name, { input }, { idempotencyKey }));
    started.push({ id, drilled: one, input });
    await endOf(client, id);
  }
}

async function endOf(client: SignalboxClient, id: string, withinMs = 180_000): Promise<RunDetail> {
  for (const end = performance.now() + withinMs; ; await sleep(250)) {
    const run = await insist(() => client.runs.get(id));
    if (hasEnded(run.status)) return run;
    if (performance.now() > end) throw new Error(`${id} does not end: ${JSON.stringify(run)}`);
  }
}

/** Holds every run against what it must have come to, and counts what is missing and what is there twice. */
async function check(client: SignalboxClient, started: readonly Started[], injected: readonly Injected[]): Promise<Report> {
  const report: Report = {
    faults: Object.fromEntries(
      Object.entries(Object.groupBy(injected, ({ kind }) => kind)).map(([kind, some]) => [kind, some?.length ?? 0]),
    ),
    runs: started.length,
    steps: 0,
    lost: 0,
    twice: 0,
    progressMs: progressOf(injected),
    seed,
  };
  for (const { id, drilled, input } of started) {
    const run = await endOf(client, id);
    const expected = drilled.expect(input);
    expect({ id, status: run.status, error: run.error, output: run.output }).toEqual({
      id,
      status: 'succeeded',
      error: null,
      output: expected.output,
    });
    const ends = new Map<string, number>();
    for await (const event of client.runs.events(id, { limit: 200 })) {
      const { type, step } = event as { type: string; step?: string };
      if (step !== undefined && /^step\.(?:succeeded|failed|skipped)$/.test(type)) ends.set(step, (ends.get(step) ?? 0) + 1);
    }
    for (const [key, how] of expected.units) {
      report.steps++;
      if (!ends.has(key)) {
        report.lost++;
        console.error(`${id}: nothing is recorded of ${key}, which should have ${how}`);
      }
    }
    for (const [key, count] of ends) {
      if (count === 1 && (expected.units.has(key) || isFanned(key, expected.units))) continue;
      report.twice++;
      console.error(`${id}: ${key} is recorded ${count} times`);
    }
  }
  return report;
}

/** A step with items ends as a whole too. */
function isFanned(key: string, units: ReadonlyMap<string, unknown>): boolean {
  return !key.includes('[') && !units.has(key);
}

function progressOf(injected: readonly Injected[]): { p50: number; max: number } {
  const all = injected.flatMap(({ progressMs }) => (progressMs === undefined ? [] : [progressMs])).sort((a, b) => a - b);
  return { p50: all[all.length >> 1] ?? 0, max: all.at(-1) ?? 0 };
}
