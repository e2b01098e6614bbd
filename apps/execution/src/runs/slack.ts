import type { RunState } from '@signalbox/workflow/core/state.js';
import { awaitedBy, endOfStep } from './critical-path.ts';

/**
 * By step: how many milliseconds later it could have ended, all else taking as long as it did, without the run's ending later (of a run that goes
 * on: without what has begun standing otherwise now, `at`). Undefined for what has not ended. Of items, the least that each of them has.
 */
export function slackOf(state: RunState, at: number): readonly (number | undefined)[] {
  const needs = state.steps.map((_, s) => awaitedBy(state, s));
  const ends = state.steps.map((step) => endOfStep(step));
  const awaiting: number[][] = state.steps.map(() => []);
  needs.forEach((ids, s) => ids.forEach((need) => awaiting[need]?.push(s)));
  const end = state.endedAt ?? at;
  const latest = new Map<number, number>();
  const latestEnd = (s: number): number => {
    let known = latest.get(s);
    if (known !== undefined) return known;
    known = end;
    for (const next of awaiting[s] as number[]) {
      const nextEnd = Math.min(end, ends[next] as number);
      // What has not begun could still begin now.
      if (nextEnd === 0) continue;
      const ready = (needs[next] as readonly number[]).reduce((most, need) => Math.max(most, ends[need] as number), state.startedAt);
      known = Math.min(known, latestEnd(next) - Math.max(0, nextEnd - ready));
    }
    latest.set(s, known);
    return known;
  };
  return state.steps.map(({ status }, s) => {
    const ended = ends[s] as number;
    if (status === 'pending' || status === 'open' || status === 'skipped' || ended === 0 || ended === Infinity) return undefined;
    return Math.max(0, Math.round(latestEnd(s) - ended));
  });
}
