import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { criticalSteps } from './critical-path.ts';
import { slackOf } from './slack.ts';

interface Plan {
  tookMs: number;
  needs: number[];
}

/** A run that did these steps, each as soon as what it needs had ended. */
function runOf(plans: readonly Plan[]): RunState {
  const ends: number[] = [];
  plans.forEach(({ tookMs, needs }) => ends.push(Math.max(1_000, ...needs.map((need) => ends[need] as number)) + tookMs));
  return {
    startedAt: 1_000,
    endedAt: Math.max(...ends),
    graph: { steps: plans.map(({ needs }) => ({ needs })) },
    steps: ends.map((endedAt) => ({ status: 'succeeded', units: [{ status: 'succeeded', endedAt }] })),
  } as unknown as RunState;
}

const plans = fc.array(fc.record({ tookMs: fc.integer({ min: 1, max: 1_000 }), needs: fc.array(fc.nat(20), { maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 20,
});

test('a step that takes its slack longer ends the run no later, and one that takes more does', () => {
  fc.assert(
    fc.property(plans, fc.nat(), (drawn, pick) => {
      const steps = drawn.map(({ tookMs, needs }, s) => ({ tookMs, needs: [...new Set(needs)].filter((need) => need < s) }));
      const run = runOf(steps);
      const s = pick % steps.length;
      const slack = slackOf(run, 0)[s] as number;
      const longer = (by: number): number =>
        runOf(steps.map((each, id) => (id === s ? { ...each, tookMs: each.tookMs + by } : each))).endedAt as number;
      expect(longer(slack)).toBe(run.endedAt);
      expect(longer(slack + 1)).toBe((run.endedAt as number) + 1);
      for (const critical of criticalSteps(run)) expect(slackOf(run, 0)[critical]).toBe(0);
    }),
  );
});

test('of a live run only what has ended has slack, by how things stand now', () => {
  const run = runOf([
    { tookMs: 100, needs: [] },
    { tookMs: 50, needs: [] },
    { tookMs: 10, needs: [0, 1] },
  ]);
  run.endedAt = undefined;
  const last = run.steps[2]?.units[0] as { status: string; endedAt: number | undefined };
  Object.assign(last, { status: 'running', endedAt: undefined });
  Object.assign(run.steps[2] as object, { status: 'open' });
  expect(slackOf(run, 1_300)).toEqual([0, 50, undefined]);
});
