import { expect, test } from '@jest/globals';
import { graphOf, Play, type StepDraft } from '../simulation/play.ts';
import { claimsOf, priorityOf, type LimitPolicy } from './limits.ts';
import { openEffects, restore } from './restore.ts';

const limit = (name: string, key?: LimitPolicy['key']): LimitPolicy => ({
  name,
  concurrency: 2,
  pointer: `/spec/steps/a/limits/${name}`,
  ...(key && { key }),
});

test('an attempt names the places that it needs, each item by its own key, and so does its next owner', () => {
  const step: StepDraft = { key: 'a', items: () => ['x', 7], limits: [limit('all'), limit('each', ({ item = null }) => item)] };
  const play = new Play(graphOf([step]));
  const effects = play.start();
  const claims = (key: string): object[] => [
    { name: 'all', key: '', concurrency: 2 },
    { name: 'each', key, concurrency: 2 },
  ];
  expect(effects).toMatchObject([
    { e: 'dispatch', i: 0, claims: claims('x') },
    { e: 'dispatch', i: 1, claims: claims('7') },
  ]);
  const again = openEffects(restore('run', play.state.graph, play.history));
  expect(again.filter(({ e }) => e === 'dispatch')).toEqual(effects.filter(({ e }) => e === 'dispatch'));
});

test('a key that is no text, number or truth value fails the step, and says where it stands', () => {
  const bad = (value: () => never | null | string): StepDraft => ({ key: 'a', limits: [limit('each', value)] });
  const play = new Play(graphOf([bad(() => null)]));
  play.start();
  expect(play.state).toMatchObject({
    status: 'failed',
    error: {
      code: 'invalid',
      detail: expect.stringContaining('/spec/steps/a/limits/each/key: the key of a limit must be a text') as unknown as string,
    },
  });
  const long = new Play(graphOf([bad(() => 'x'.repeat(256))]));
  long.start();
  expect(long.state.error?.detail).toMatch(/more than 255 characters/);
});

test('the priority of a start stands before that of a step, and that before the workflow’s', () => {
  const graph = { ...graphOf([{ key: 'a', priority: 1 }, { key: 'b' }]), priority: 4 };
  const play = new Play(graph);
  play.start();
  expect([priorityOf(play.state, 0), priorityOf(play.state, 1)]).toEqual([1, 4]);
  const urgent = new Play(graph);
  urgent.tell({ type: 'start', input: null, depth: 0, priority: 5 });
  expect([0, 1].map((s) => priorityOf(urgent.state, s))).toEqual([5, 5]);
  expect(restore('r', graph, urgent.history).priority).toBe(5);
  expect(priorityOf(new Play(graphOf([{ key: 'a' }])).state, 0)).toBe(3);
  expect(claimsOf(play.state, 0, -1)).toEqual([]);
});
