import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { measured, type BenchOptions, type Measurement } from '../measurement.ts';
import { DoorsUnderBench } from './doors.ts';

const name = 'followed';
/** Of followers that have just come: they read what was. */
const settleMs = 500;

/** A run that many follow, beside the same run that nobody does. */
export async function followedRun(doors: DoorsUnderBench, { rounds, isSmoke }: BenchOptions): Promise<Measurement[]> {
  const { agent } = DoorsUnderBench;
  const [count, maxTurns] = isSmoke ? [100, 20] : [1_000, 100];
  await doors.apply(name, {
    begin: { agent, skill: 'hold' },
    work: { agent, skill: 'say', with: '${{ index }}', needs: ['begin'], repeat: { maxTurns, noProgress: false } },
  });
  await play(doors, 0);
  const seen: { alone: number[]; followed: number[]; told: number[] } = { alone: [], followed: [], told: [] };
  for (let round = 0; round < rounds; round++) {
    seen.alone.push((await play(doors, 0)).endedMs);
    const { endedMs, toldMs } = await play(doors, count);
    seen.followed.push(endedMs);
    seen.told.push(toldMs);
  }
  const crowd = `${count.toLocaleString('en')} followers`;
  return [
    measured({ bench: 'execution', what: `${maxTurns} steps with ${crowd}, beside none`, unit: 'ms' }, seen.followed, {
      floors: seen.alone,
      goalOf: (floor) => 1.2 * floor,
    }),
    measured({ bench: 'execution', what: `the end of that run to the last of ${crowd}`, unit: 'ms' }, seen.told),
  ];
}

/** Milliseconds of a run whose followers are all there when it begins, and from its end until all have heard of that. */
async function play(doors: DoorsUnderBench, count: number): Promise<{ endedMs: number; toldMs: number }> {
  let begin!: () => void;
  doors.held = new Promise((resolve) => (begin = resolve));
  const { id, ended } = await doors.start(name);
  const crowd = count === 0 ? null : await crowdOf(doors, id, count);
  await sleep(settleMs);
  const from = performance.now();
  begin();
  await ended;
  const endedAt = performance.now();
  await crowd?.told;
  return { endedMs: endedAt - from, toldMs: performance.now() - endedAt };
}

/** Resolves when all follow the run, with what resolves when all were told of its end. */
async function crowdOf({ url, apiKey }: DoorsUnderBench, run: string, count: number): Promise<{ told: Promise<void> }> {
  const crowd = fork(fileURLToPath(new URL('./followers.js', import.meta.url)), [`${url}/api/v1/runs/${run}/events`, String(count)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, SIGNALBOX_API_KEY: apiKey },
  });
  const [first] = (await Promise.race([once(crowd, 'message'), once(crowd, 'exit')])) as [unknown];
  if (first !== 'open') throw new Error('the followers could not all follow');
  const told = once(crowd, 'message').then(([number]) => {
    if (number !== count) throw new Error(`${number} of ${count} followers were told of the end`);
  });
  return { told };
}
