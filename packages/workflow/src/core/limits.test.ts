import { describe, expect, test } from '@jest/globals';
import { graphOf, Play, type StepDraft } from '../simulation/play.ts';
import { runDue } from './ending.ts';
import type { Effect } from './events.ts';
import type { Graph } from './graph.ts';
import { claimsOf, hasPlaces, priorityOf, runClaimsOf, type LimitPolicy, type RunLimitPolicy } from './limits.ts';
import { isWaiting } from './progress.ts';
import { openEffects, restore } from './restore.ts';
import { restOf } from './rest.ts';

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

describe('limits of whole runs', () => {
  const limits = (...limits: RunLimitPolicy[]): Partial<Graph> => ({ runLimits: { limits, onLimit: 'queue' } });
  const customer: RunLimitPolicy = {
    name: 'customer',
    concurrency: 1,
    pointer: '/spec/limits/customer',
    key: ({ input, labels }) => `${String((input as { of: string }).of)} ${labels['tier'] ?? ''}`,
  };
  const claims = [{ name: 'runs/customer', key: 'acme gold', concurrency: 1 }];
  const start = (play: Play): Effect[] => play.tell({ type: 'start', input: { of: 'acme' }, depth: 0, claims }).effects;
  const graph = (rest: Partial<Graph> = {}): Graph =>
    graphOf([{ key: 'a' }, { key: 'tidy', part: 'finally' }], { ...limits(customer), finally: { timeoutMs: 1_000 }, ...rest });

  test('keys are computed from input and labels; what a run above has a place of is not needed again', () => {
    const of = { input: { of: 'acme' }, labels: { tier: 'gold' } };
    expect(runClaimsOf(graph(), of)).toEqual(claims);
    expect(runClaimsOf(graph(), of, [{ name: 'runs/customer', key: 'acme gold' }])).toEqual([]);
    expect(runClaimsOf(graph(), of, [{ name: 'runs/customer', key: 'other' }])).toEqual(claims);
    expect(() => runClaimsOf(graph(limits({ ...customer, key: () => null })), of)).toThrow('the key of a limit must be a text');
    expect(runClaimsOf(graphOf([{ key: 'a' }]), of)).toEqual([]);
  });

  test('nothing of a run begins before it has its places, and its time begins with that; so it is for its next owner', () => {
    const play = new Play(graph());
    expect(start(play)).toEqual([{ e: 'enter', claims, isIn: false }]);
    expect(play.tell({ type: 'signal', id: '1', hash: '1', name: 'go', data: null }).effects).toEqual([]);
    expect(isWaiting(play.state)).toBe(true);
    expect(restOf(play.state)).toEqual({ due: 101_000, children: [] });
    expect(openEffects(restore('run', play.state.graph, play.history))).toEqual([{ e: 'enter', claims, isIn: false }]);
    play.at = 50_000;
    const admitted = play.tell({ type: 'admitted' });
    expect(admitted.effects).toMatchObject([{ e: 'enter', claims, isIn: true }, { e: 'watch' }, { e: 'dispatch', s: 0 }]);
    expect(play.tell({ type: 'admitted' }).outcome).toBe('stale');
    expect(runDue(play.state)).toBe(150_000);
    expect(openEffects(restore('run', play.state.graph, play.history))).toMatchObject([
      { e: 'enter', isIn: true },
      { e: 'dispatch', s: 0 },
    ]);
  });

  test('a run that waits for its places and is cancelled, or waits too long, ends without anything that follows', () => {
    const cancelled = new Play(graph());
    start(cancelled);
    cancelled.tell({ type: 'cancel', by: 'ann', id: '1' });
    expect(cancelled.state.status).toBe('cancelled');
    const late = new Play(graph());
    start(late);
    late.at = 101_000;
    late.tell({ type: 'due', timer: 'run' });
    expect(late.state).toMatchObject({ status: 'failed', reason: 'timeout', error: { code: 'timeout' } });
    expect(late.state.error?.detail).toBe('the run waited longer than its timeout of 100000 ms: it waits for runs:customer/acme gold');
    expect([...cancelled.history, ...late.history].some(({ t }) => t === 'entered')).toBe(false);
  });

  test('its child runs are within its places, and those of the runs above it', () => {
    const play = new Play(graphOf([{ key: 'a', kind: 'workflow' }], limits(customer)));
    const above = { name: 'runs/above', key: '' };
    play.tell({ type: 'start', input: { of: 'acme' }, depth: 1, claims, within: [above] });
    const { effects } = play.tell({ type: 'admitted' });
    expect(effects).toContainEqual(
      expect.objectContaining({ e: 'startChild', within: [above, { name: 'runs/customer', key: 'acme gold' }] }),
    );
    expect(openEffects(restore('run', play.state.graph, play.history))).toContainEqual(effects.find(({ e }) => e === 'startChild'));
  });

  test('of a rate alone nothing is held once the run has begun', () => {
    const play = new Play(graph());
    const rate = [{ name: 'runs/pace', key: '', rate: { max: 1, perMs: 1_000, burst: 1 } }];
    play.tell({ type: 'start', input: {}, depth: 0, claims: rate });
    play.tell({ type: 'admitted' });
    expect(hasPlaces(play.state)).toBe(false);
    expect(openEffects(restore('run', play.state.graph, play.history)).some(({ e }) => e === 'enter')).toBe(false);
  });
});
