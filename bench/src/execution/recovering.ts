import { measured, type BenchOptions, type Measurement } from '../measurement.ts';
import { answerAsRegistry, startWorker } from './engine.ts';
import { OwnerBed } from './owner-bed.ts';

/** Runs in the middle of a step when their owner is killed: until the next has the first, and all of them, go on. */
export async function recoveringRuns(pgUrl: string, { isSmoke }: BenchOptions): Promise<Measurement[]> {
  if (isSmoke) return []; // it waits for a lease
  const live = 10_000;
  await using bed = await OwnerBed.make(pgUrl);
  await answerAsRegistry(bed.bus);
  await bed.start(live, { agent: 'echo', with: 1 }); // nobody works yet: each waits for a worker
  const worker = await startWorker(bed.bus);
  try {
    await bed.kill();
    const killed = performance.now();
    bed.spawn();
    await bed.untilEnded(1);
    const first = performance.now() - killed;
    await bed.untilEnded(live);
    const all = performance.now() - killed;
    const row = (what: string, value: number): Measurement => measured({ bench: 'execution', what, unit: 'ms' }, [value]);
    return [
      row('10,000 live runs, their owner killed, until the first goes on', first),
      row('10,000 live runs, their owner killed, until all have gone on', all),
    ];
  } finally {
    worker.kill('SIGKILL');
  }
}
