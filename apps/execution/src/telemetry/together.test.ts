import { expect, test } from '@jest/globals';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { togetherOf } from './together.ts';

interface Step {
  kind?: string;
  target?: string;
  needs?: number[];
  units: [startedAt: number, endedAt: number][];
}

/** A run that began at 0. */
function runOf(endedAt: number, steps: Step[]): RunState {
  return {
    ...{ startedAt: 0, endedAt, admittedAt: undefined },
    graph: { steps: steps.map(({ kind = 'agent', target = 'a', needs = [] }) => ({ kind, target, needs })) },
    steps: steps.map(({ units }) => ({
      status: 'succeeded',
      units: units.map(([from, to]) => ({ status: 'succeeded', startedAt: from, firstAt: from, endedAt: to, isKept: false })),
    })),
  } as unknown as RunState;
}

test('a run is held against its longest path, and against one agent that does all', () => {
  // Two at once, then one; 50 ms are ours.
  const state = runOf(450, [
    { units: [[10, 210]] },
    { target: 'b', units: [[10, 110]] },
    { target: 'b', needs: [0, 1], units: [[250, 450]] },
  ]);
  expect(togetherOf(state)).toEqual({ againstPath: 450 / 400, againstOne: 450 / 500 });
});

test('items of a step are one stretch of the path, and each by itself for one agent', () => {
  const units: [number, number][] = [
    [0, 200],
    [0, 300],
  ];
  expect(togetherOf(runOf(600, [{ units }, { target: 'b', needs: [0], units: [[300, 600]] }]))).toEqual({
    againstPath: 1,
    againstOne: 600 / 800,
  });
});

test('what two steps of the path took at the same time, one with the items of the other as they come, is once of it', () => {
  const state = runOf(500, [
    {
      units: [
        [0, 100],
        [0, 400],
      ],
    },
    {
      target: 'b',
      needs: [0],
      units: [
        [100, 300],
        [400, 500],
      ],
    },
  ]);
  expect(togetherOf(state)?.againstPath).toBe(1);
});

test('what it waited for people is left out', () => {
  const state = runOf(10_400, [
    { units: [[0, 200]] },
    { kind: 'approval', needs: [0], units: [[200, 10_200]] },
    { target: 'b', needs: [1], units: [[10_200, 10_400]] },
  ]);
  expect(togetherOf(state)).toEqual({ againstPath: 1, againstOne: 1 });
});

test('a run of one agent, or of next to no work, says nothing', () => {
  expect(togetherOf(runOf(400, [{ units: [[0, 200]] }, { needs: [0], units: [[200, 400]] }]))).toBeNull();
  expect(togetherOf(runOf(40, [{ units: [[0, 20]] }, { target: 'b', needs: [0], units: [[20, 40]] }]))).toBeNull();
});
