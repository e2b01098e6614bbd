import type { AutoscaleSpec } from '../manifests/manifest.ts';

/** What waits for the instances of an agent, and what they have in hand. */
export interface QueueFact {
  waiting: number;
  running: number;
  /** How long the first of those that wait has waited, in milliseconds; 0: none waits. */
  oldestMs: number;
}

/** How many instances there should be, and why in words. */
export interface Recommendation {
  wanted: number;
  because: string;
}

/** One look: what was recommended then. Moments are monotonic milliseconds. */
export interface Look extends Recommendation {
  at: number;
}

export const emptyQueue: QueueFact = { waiting: 0, running: 0, oldestMs: 0 };
const upAfterMsDefault = 3_000;
const downAfterMsDefault = 60_000;
export const drainMsDefault = 60_000;
/** Looks that are remembered, whatever the windows: beyond, every other one of them is enough. */
const looksMax = 1_000;
/** At most so many times as many at once because tasks wait too long: how much one more helps is only known afterwards. */
const stepMax = 2;

/**
 * How many instances what waits asks for, were there nothing to smooth: the tasks, waiting and in hand, shared out by `targetQueue`; more than there are
 * while one has waited longer than `targetLatencyMs`; within `min` and `max`. `current`: how many there are.
 */
export function recommend(
  { min, max, targetQueue, targetLatencyMs }: AutoscaleSpec,
  concurrency: number,
  queue: QueueFact,
  current: number,
): Recommendation {
  const target = targetQueue ?? concurrency;
  const tasks = queue.waiting + queue.running;
  const byQueue = Math.ceil(tasks / target);
  const lateness = targetLatencyMs === undefined ? 0 : queue.oldestMs / targetLatencyMs;
  const byLatency = lateness > 1 ? Math.max(current + 1, Math.ceil(current * Math.min(stepMax, lateness))) : 0;
  const asked = Math.max(byQueue, byLatency);
  const wanted = Math.min(max, Math.max(min, asked));
  const why =
    byLatency > byQueue
      ? `a task has waited for ${seconds(queue.oldestMs)}, longer than ${seconds(targetLatencyMs!)}`
      : `${queue.waiting} wait and ${queue.running} are in hand, at ${target} a process`;
  const bound = asked > max ? `; more than ${max} there may not be` : asked < min ? `; fewer than ${min} there may not be` : '';
  return { wanted, because: `${why}${bound}` };
}

/**
 * What is to be done after some looks: more when all looks of `upAfterMs` asked for more, fewer when all of `downAfterMs` asked for fewer, and then
 * the least change that all of them agree on; so that a moment changes nothing. Null: it stays. The newest look stands last.
 */
export function settle(
  { upAfterMs = upAfterMsDefault, downAfterMs = downAfterMsDefault }: AutoscaleSpec,
  looks: readonly Look[],
  current: number,
): Recommendation | null {
  const now = looks.at(-1)?.at;
  if (now === undefined) return null;
  const within = (ms: number): readonly Look[] | null => {
    // Only looks that reach back as far as the window speak for all of it.
    const reach = looks.findLastIndex(({ at }) => now - at >= ms);
    return reach === -1 ? null : looks.slice(reach);
  };
  const up = within(upAfterMs)?.reduce((least, look) => (look.wanted < least.wanted ? look : least));
  if (up !== undefined && up.wanted > current) return { wanted: up.wanted, because: up.because };
  const down = within(downAfterMs)?.reduce((most, look) => (look.wanted >= most.wanted ? look : most));
  if (down !== undefined && down.wanted < current) return { wanted: down.wanted, because: down.because };
  return null;
}

/** The looks with one more, as far back as `settle` reads them. */
export function remember(
  { upAfterMs = upAfterMsDefault, downAfterMs = downAfterMsDefault }: AutoscaleSpec,
  looks: readonly Look[],
  look: Look,
): Look[] {
  const reach = Math.max(upAfterMs, downAfterMs);
  // The first that lies beyond the window is kept: it says that the looks reach back so far.
  const from = Math.max(
    0,
    looks.findLastIndex(({ at }) => look.at - at >= reach),
  );
  const kept = [...looks.slice(from), look];
  return kept.length <= looksMax ? kept : thinned(kept);
}

/** Half as many, the higher of each two: what one of them asked for stays asked for. */
function thinned(looks: readonly Look[]): Look[] {
  const [first, ...rest] = looks;
  const last = rest.pop()!;
  const halves = rest.flatMap((look, index) => {
    if (index % 2 === 1) return [];
    const next = rest[index + 1];
    return [next !== undefined && next.wanted > look.wanted ? { ...next, at: look.at } : look];
  });
  return [first!, ...halves, last];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
