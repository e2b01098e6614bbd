import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestPostgres } from '@signalbox/testkit/test-postgres.js';
import { measured, median, type Bench, type BenchOptions, type Measurement } from '../measurement.ts';
import { agentLoop } from './agent-loop.ts';
import { followedRun } from './crowd.ts';
import { deadTuples } from './dead-tuples.ts';
import { DoorsUnderBench } from './doors.ts';
import { startEngine, type EngineUnderBench, type Runs } from './engine.ts';
import { startWorkerFloor } from './floors.ts';
import { largeRuns } from './large-runs.ts';
import { recoveringRuns } from './recovering.ts';
import { restRun } from './rest.ts';
import { restingRuns } from './resting.ts';
import { searchRuns } from './search.ts';

/** Milliseconds of a tick of /proc (USER_HZ is 100 on Linux). */
const tickMs = 10;

interface Figures {
  seq3: number;
  seq10: number;
  /** Milliseconds for one of 200 runs of 3 steps that begin at once. */
  batchRun: number;
  /** Milliseconds for one step, and its CPU with PostgreSQL's, of runs of 10 steps with 100 in flight. */
  step: number;
  cpu: number;
  fan: number;
}

const rows: readonly {
  what: string;
  unit: string;
  of: keyof Figures;
  goalOf: (floor: number) => number;
  insideGoalOf: (floor: number) => number;
}[] = [
  { what: '3 steps one after another, p50', unit: 'ms', of: 'seq3', goalOf: (floor) => 1.7 * floor, insideGoalOf: (floor) => 2 * floor },
  { what: '10 steps one after another, p50', unit: 'ms', of: 'seq10', goalOf: (floor) => 1.7 * floor, insideGoalOf: (floor) => 2 * floor },
  {
    what: 'a run of 3 steps, 200 at once',
    unit: 'ms',
    of: 'batchRun',
    goalOf: (floor) => floor / 0.3,
    insideGoalOf: (floor) => floor / 0.2,
  },
  {
    what: 'a step, 100 runs of 10 in flight',
    unit: 'ms',
    of: 'step',
    goalOf: (floor) => floor / 0.3,
    insideGoalOf: (floor) => floor / 0.35,
  },
  { what: 'the same, CPU of all processes', unit: 'ms', of: 'cpu', goalOf: (floor) => 4 * floor, insideGoalOf: (floor) => 4 * floor },
  { what: '1 to 1,000 map and join, p50', unit: 'ms', of: 'fan', goalOf: (floor) => 5 * floor, insideGoalOf: (floor) => 7.5 * floor },
];

/** What the engine takes. */
export const executionBench: Bench = {
  name: 'execution',
  async run(options) {
    return [...(await measureEngine(options)), ...(await measureDoors(options))];
  },
};

/** Runs as people and their programs have them, by the whole stack. */
async function measureDoors(options: BenchOptions): Promise<Measurement[]> {
  await using doors = await DoorsUnderBench.open();
  return [...(await restRun(doors, options)), ...(await followedRun(doors, options)), ...(await agentLoop(doors, options))];
}

/**
 * Steps in a worker of its own, started over the bus, beside one insert and one message each way with nothing of ours; and steps that the engine does
 * itself beside one insert.
 */
async function measureEngine(options: BenchOptions): Promise<Measurement[]> {
  const { rounds, isSmoke } = options;
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  await chmod(folder, 0o755); // PostgreSQL runs as another user, who must reach it
  const postgres = await startTestPostgres(folder, { durable: true });
  const pgUrl = postgres.url();
  const [floor, ours] = [await startWorkerFloor({ pgUrl }), await startEngine({ pgUrl })];
  const seen: Record<'floor' | 'ours' | 'insideFloor' | 'insideOurs', Figures[]> = { floor: [], ours: [], insideFloor: [], insideOurs: [] };
  const others: Measurement[] = [];
  try {
    for (const engine of [floor, ours]) for (const runs of [engine, engine.inside]) await measure(engine, runs, 0.1);
    const share = isSmoke ? 0.2 : 1;
    for (let round = 0; round < rounds; round++) {
      seen.floor.push(await measure(floor, floor, share));
      seen.ours.push(await measure(ours, ours, share));
      seen.insideFloor.push(await measure(floor, floor.inside, share));
      seen.insideOurs.push(await measure(ours, ours.inside, share));
    }
    for (const rowsOf of [largeRuns, deadTuples, searchRuns]) others.push(...(await rowsOf(ours, options)));
    for (const rowsOf of [restingRuns, recoveringRuns]) others.push(...(await rowsOf(pgUrl, options)));
  } finally {
    await floor.stop();
    await ours.stop();
    await postgres.kill();
    await rm(folder, { recursive: true, force: true });
  }
  const figure = (of: keyof Figures, seenOf: Figures[]): number[] => seenOf.map((figures) => figures[of]);
  const beside = rows.map(({ what, unit, of, goalOf }) =>
    measured({ bench: 'execution', what, unit }, figure(of, seen.ours), { floors: figure(of, seen.floor), goalOf }),
  );
  const inside = rows.map(({ what, unit, of, insideGoalOf: goalOf }) =>
    measured({ bench: 'execution', what: `inside: ${what}`, unit }, figure(of, seen.insideOurs), {
      floors: figure(of, seen.insideFloor),
      goalOf,
    }),
  );
  return [...beside, ...inside, ...others];
}

/** `share`: of the samples of a whole measurement. */
async function measure(engine: EngineUnderBench, { seq, fan: map }: Runs, share: number): Promise<Figures> {
  const [seq3, seq10] = [await p50(100 * share, () => seq(3)), await p50(40 * share, () => seq(10))];
  const batch = Math.round(200 * share);
  const batchMs = await together(batch, batch, () => seq(3));
  const runs = Math.round(1_000 * share);
  const before = await cpuMs(engine);
  const stepsMs = await together(runs, 100, () => seq(10));
  const cpu = (await cpuMs(engine)) - before;
  const fan = await p50(5 * share, () => map(1_000));
  return { seq3, seq10, batchRun: batchMs / batch, step: stepsMs / (runs * 10), cpu: cpu / (runs * 10), fan };
}

async function p50(samples: number, call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < Math.max(1, Math.round(samples)); sample++) {
    const from = performance.now();
    await call();
    times.push(performance.now() - from);
  }
  return median(times);
}

/** Milliseconds for `count` calls with at most `atOnce` in flight. */
async function together(count: number, atOnce: number, call: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(atOnce, count) }, async () => {
      while (next++ < count) await call();
    }),
  );
  return performance.now() - from;
}

/** CPU so far of this process, the engine's, and PostgreSQL's. */
async function cpuMs({ pids }: EngineUnderBench): Promise<number> {
  let ticks = 0;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => ''); // it has just ended
    const program = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    if (program !== 'postgres' && Number(name) !== process.pid && !pids.includes(Number(name))) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * tickMs;
}
