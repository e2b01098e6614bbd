// `npm run sim`: many seeded schedules of the pure core, on all processors. A schedule that fails is made small and printed; `--schedule JSON` plays it again.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { faultMixes } from './fault-mixes.ts';
import { shrink } from './shrink.ts';
import { simulate, type Schedule } from './simulate.ts';

/** Schedules that a thread plays before it says so. */
const portion = 1_000;

interface Part {
  first: number;
  last: number;
}

type Said = { played: number; recorded: number } | { failing: Schedule; why: string };

function play({ first, last }: Part, say: (said: Said) => void): void {
  let [played, recorded] = [0, 0];
  for (let number = first; number <= last; number++) {
    const [, faults] = faultMixes[number % faultMixes.length] as (typeof faultMixes)[number];
    const schedule: Schedule = { seed: number, faults };
    const why = failureOf(schedule);
    if (why !== undefined) return say({ failing: schedule, why });
    played++;
    if (played === portion || number === last) {
      say({ played, recorded });
      [played, recorded] = [0, 0];
    }
  }

  function failureOf(schedule: Schedule): string | undefined {
    try {
      recorded += simulate(schedule).recorded;
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }
}

/** All of `npm run sim`; returns the exit code. */
export async function main(_root: string, args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      schedules: { type: 'string', default: '1000000' },
      first: { type: 'string', default: '1' },
      schedule: { type: 'string' },
    },
  });
  if (values.schedule !== undefined) {
    console.log(JSON.stringify(simulate(JSON.parse(values.schedule) as Schedule).state, null, 2));
    return 0;
  }
  const [schedules, first] = [Number(values.schedules), Number(values.first)];
  if (!Number.isInteger(schedules) || schedules < 1 || !Number.isInteger(first))
    throw new Error('Say it as --schedules 1000000 --first 1.');
  const threads = availableParallelism();
  const since = performance.now();
  let [played, recorded, shown] = [0, 0, 0];
  let failing: Schedule | undefined;
  const workers = Array.from({ length: threads }, (_, thread) => {
    const from = first + Math.floor((schedules * thread) / threads);
    const part: Part = { first: from, last: first + Math.floor((schedules * (thread + 1)) / threads) - 1 };
    return new Worker(new URL(import.meta.url), { workerData: part, execArgv: [] });
  });
  const ended = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.on('message', (said: Said) => {
          if ('failing' in said) {
            failing ??= said.failing;
            console.error(`\n${said.why}`);
            for (const each of workers) void each.terminate();
            return;
          }
          played += said.played;
          recorded += said.recorded;
          if (played - shown < schedules / 100) return;
          shown = played;
          process.stderr.write(`\r${Math.floor((100 * played) / schedules)} %`);
        });
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      }),
  );
  await Promise.all(ended);
  process.stderr.write('\n');
  if (failing !== undefined) {
    const least = shrink(failing, fails);
    console.error(`The smallest schedule that fails:\n  npm run sim -- --schedule '${JSON.stringify(least)}'`);
  }
  const seconds = Math.round((performance.now() - since) / 1_000);
  console.log(JSON.stringify({ schedules: played, steps: recorded, failed: failing === undefined ? 0 : 1, first, seconds }));
  return failing === undefined ? 0 : 1;
}

function fails(schedule: Schedule): boolean {
  try {
    simulate(schedule);
    return false;
  } catch {
    return true;
  }
}

if (!isMainThread) play(workerData as Part, (said) => parentPort?.postMessage(said));
