import { measured, type BenchOptions, type Measurement } from '../measurement.ts';
import { OwnerBed } from './owner-bed.ts';

/** From the first start until the runs are due: time to start them and for all to rest, which nobody does for less than 10 s. */
const napMs = 30_000;

/** Runs that only wait: what they take of their owner's memory, how late those end that are due together, what they are to the next owner. */
export async function restingRuns(pgUrl: string, { isSmoke, isLarge }: BenchOptions): Promise<Measurement[]> {
  await using bed = await OwnerBed.make(pgUrl);
  const sleepers = isLarge ? 50_000 : isSmoke ? 200 : 20_000;
  const due = 1_000;
  const row = (what: string, unit: string, value: number, goal?: number): Measurement =>
    measured({ bench: 'execution', what, unit }, [value], goal === undefined ? {} : { goal });
  await bed.start(sleepers, { wait: '1d' }); // what grows once, whatever is done, has grown
  await bed.untilResting(sleepers);
  const before = await bed.heapBytes();
  await bed.start(sleepers, { wait: '1d' });
  await bed.untilResting(2 * sleepers);
  const pss = await bed.pssBytes();
  const kept = Math.max(0, (await bed.heapBytes()) - before);
  const rows = [
    // Of a few runs, what else grows is more than they are: shown, not judged.
    row('a sleeping run, heap of its owner once garbage is collected', 'B', kept / sleepers, isSmoke ? undefined : 200),
    row('owner of sleeping runs, PSS', 'MiB', pss / 2 ** 20),
  ];
  if (isSmoke) return rows; // the rest takes as long as runs rest at least, and a lease
  const at = (await bed.clock()) + napMs;
  await bed.start(due, { wait: { until: new Date(at).toISOString() } });
  await bed.untilResting(2 * sleepers + due);
  await bed.untilEnded(due); // seen in the rows, thus up to a look later than it is
  rows.push(row('1,000 sleeping runs due at once, until all ends are committed', 'ms', (await bed.clock()) - at));
  await bed.kill();
  const killed = performance.now();
  await bed.start(1, { wait: '1d' });
  rows.push(row('owner of sleeping runs killed, until the next answers a start', 'ms', performance.now() - killed));
  return rows;
}
