import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dispatched, graphOf, Play, type StepDraft } from '../simulation/play.ts';
import { keptOf } from './fork.ts';
import type { Json } from './json.ts';
import { restore } from './restore.ts';
import type { RunState } from './state.ts';

const read = (count: number, more: Partial<StepDraft> = {}): StepDraft => ({
  key: 'read',
  items: () => Array.from({ length: count }, (_, index) => index),
  ...more,
});
/** Streams from step 0. */
const note = (more: Partial<StepDraft> = {}): StepDraft => ({
  key: 'note',
  needs: ['read'],
  stream: 0,
  input: ({ item = null, index = -1 }) => [item, index],
  ...more,
});

/** The journal alone gives the same run; only what is computed again where it is needed may be absent. */
function expectRestored({ state, history }: Play): void {
  const lean = ({ steps }: RunState): unknown[] => steps.map((step) => ({ ...step, items: undefined }));
  expect(lean(restore('run', state.graph, history))).toEqual(lean(state));
}

describe('a stream of items', () => {
  test('has each item begin as soon as it is there, and keeps their order', () => {
    const play = new Play(graphOf([read(3), note()]));
    expect(dispatched(play.start())).toEqual(['0.0.1', '0.1.1', '0.2.1']);
    expect(play.complete(0, 2, 1, 'c').effects).toContainEqual({ e: 'dispatch', s: 1, i: 2, n: 1, input: ['c', 2] });
    play.complete(1, 2, 1, 'C');
    expect(dispatched(play.complete(0, 0, 1, 'a').effects)).toEqual(['1.0.1']);
    expectRestored(play);
    play.complete(0, 1, 1, 'b');
    play.complete(1, 1, 1, 'B');
    play.complete(1, 0, 1, 'A');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { note: ['A', 'B', 'C'] } });
  });

  test('keeps to its own width', () => {
    const play = new Play(graphOf([read(3), note({ maxParallel: 1 })]));
    play.start();
    play.complete(0, 1, 1, 'b');
    expect(dispatched(play.complete(0, 0, 1, 'a').effects)).toEqual([]);
    expect(dispatched(play.complete(1, 1, 1, 'B').effects)).toEqual(['1.0.1']);
  });

  test('goes on through items that may fail as a list of them would: they are null', () => {
    const play = new Play(graphOf([read(2, { maxFailures: () => 1 }), note()]));
    play.start();
    expect(play.complete(0, 0, 1, null, 'invalid').effects).toContainEqual({ e: 'dispatch', s: 1, i: 0, n: 1, input: [null, 0] });
  });

  test('ends with what it comes from when that fails and the run goes on', () => {
    const play = new Play(graphOf([read(3, { maxFailures: () => 0, onError: 'continue' }), note({ onError: 'continue' })]));
    play.start();
    play.complete(0, 0, 1, 'a');
    const { effects } = play.complete(0, 1, 1, null, 'invalid');
    expect(effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 1, i: 0, n: 1 });
    expect(play.state).toMatchObject({ status: 'succeeded', steps: [{ status: 'failed' }, { status: 'failed' }] });
  });

  test('of turns grows with them', () => {
    const talk: StepDraft = { key: 'read', repeat: { maxTurns: 2, onLimit: 'fail' } };
    const play = new Play(graphOf([talk, note()]));
    play.start();
    expect(play.complete(0, 0, 1, 'one').effects).toContainEqual({
      e: 'dispatch',
      s: 1,
      i: 0,
      n: 1,
      input: [{ agent: 'a', output: 'one' }, 0],
    });
    play.complete(1, 0, 1, 'ONE');
    expect(play.state.steps[1]?.status).toBe('open');
    play.complete(0, 1, 1, 'two');
    play.complete(1, 1, 1, 'TWO');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { note: ['ONE', 'TWO'] } });
  });

  test('of nothing is nothing', () => {
    const play = new Play(graphOf([read(0), note()]));
    play.start();
    expect(play.state).toMatchObject({ status: 'succeeded', output: { note: [] } });
  });

  test('gives what a list gives, whatever the order in which its items end, and restores at any point', () => {
    const orders = fc.array(fc.nat(), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 4 }), orders, (count, maxParallel, order) => {
        const play = new Play(graphOf([read(count), note({ maxParallel })]));
        const open = dispatched(play.start());
        for (const pick of order) {
          if (open.length === 0) break;
          const [s = 0, i = 0] = (open.splice(pick % open.length, 1)[0] as string).split('.').map(Number);
          open.push(...dispatched(play.complete(s, i, 1, `${s}${i}`).effects));
          expect(open.filter((task) => task.startsWith('1.')).length).toBeLessThanOrEqual(maxParallel);
          expectRestored(play);
        }
        expect(play.state).toMatchObject({ status: 'succeeded', output: { note: Array.from({ length: count }, (_, i) => `1${i}`) } });
      }),
    );
  });

  test('of ten thousand items ends in time that does not grow with their square', () => {
    const play = new Play(graphOf([read(10_000, { maxParallel: 10_000 }), note({ maxParallel: 10_000 })]));
    play.start();
    const begun = performance.now();
    for (let i = 9_999; i >= 0; i--) play.complete(0, i, 1, i);
    for (let i = 0; i < 10_000; i++) play.complete(1, i, 1, i);
    expect(play.state.status).toBe('succeeded');
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('items that need each other', () => {
  const plan: { id: string; dependsOn: string[] }[] = [
    { id: 'c', dependsOn: ['a', 'b'] },
    { id: 'a', dependsOn: [] },
    { id: 'b', dependsOn: ['a'] },
  ];
  const carry = (items: Json[], more: Partial<StepDraft> = {}): StepDraft => ({
    key: 'carry',
    items: () => items,
    itemNeeds: {
      key: ({ item }) => (item as { id: Json }).id,
      needs: ({ item }) => (item as { dependsOn: Json }).dependsOn,
      pointer: '/spec/steps/carry/forEach',
    },
    input: ({ results = {} }) => results,
    ...more,
  });

  test('begin when those have ended, and see what they gave', () => {
    const play = new Play(graphOf([carry(plan)]));
    expect(dispatched(play.start())).toEqual(['0.1.1']);
    expect(play.complete(0, 1, 1, 'A').effects).toContainEqual({ e: 'dispatch', s: 0, i: 2, n: 1, input: { a: 'A' } });
    expect(restore('run', play.state.graph, play.history)).toMatchObject({ steps: [{ gate: { ready: [1, 2] } }] });
    expect(play.complete(0, 2, 1, 'B').effects).toContainEqual({ e: 'dispatch', s: 0, i: 0, n: 1, input: { a: 'A', b: 'B' } });
    play.complete(0, 0, 1, 'C');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { carry: ['C', 'A', 'B'] } });
  });

  test('are refused as a whole where they wait for each other, name what is not there, or are there twice', () => {
    const faults: [Json[], string][] = [
      [
        [
          { id: 'a', dependsOn: ['b'] },
          { id: 'b', dependsOn: ['a'] },
        ],
        'items wait for each other: a, b',
      ],
      [[{ id: 'a', dependsOn: ['x'] }], 'item 0 needs "x", which is no item’s key'],
      [
        [
          { id: 'a', dependsOn: [] },
          { id: 'a', dependsOn: [] },
        ],
        'two items have the key a',
      ],
      [[{ id: 1, dependsOn: [] }], 'the key of item 0 is not a text'],
      [[{ id: 'a', dependsOn: 'b' }], 'what item 0 needs is not a list of keys'],
    ];
    for (const [items, detail] of faults) {
      const play = new Play(graphOf([carry(items)]));
      expect(dispatched(play.start())).toEqual([]);
      expect(play.state).toMatchObject({
        status: 'failed',
        error: { code: 'invalid', detail: expect.stringContaining(detail) as unknown },
      });
    }
  });

  test('are refused as a whole where one is of an agent that there is not', () => {
    const chooses = { agent: ({ item }: { item?: Json }) => (item as { id: Json }).id, agents: ['a', 'b'] };
    const play = new Play(graphOf([carry(plan, { chooses })]));
    expect(dispatched(play.start())).toEqual([]);
    expect(play.state).toMatchObject({ status: 'failed', error: { detail: expect.stringContaining('none of a, b') as unknown } });
  });

  test('fail with what they need, where that may fail, and a fork does those that were not done', () => {
    const play = new Play(graphOf([carry(plan, { onError: 'continue' })]));
    play.start();
    play.complete(0, 1, 1, 'A');
    play.complete(0, 2, 1, null, 'invalid');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { carry: [null, 'A', null] } });
    expect(play.state.steps[0]?.units[0]?.error).toMatchObject({ code: 'cancelled', detail: 'item 2, which it needs, has failed' });
    const failed = new Play(graphOf([carry(plan)]));
    failed.start();
    failed.complete(0, 1, 1, 'A');
    failed.complete(0, 2, 1, null, 'invalid');
    const fork = new Play(failed.state.graph);
    const { effects } = fork.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(failed.state, []) });
    expect(effects).toContainEqual({ e: 'dispatch', s: 0, i: 2, n: 1, input: { a: 'A' } });
    fork.complete(0, 2, 1, 'B');
    fork.complete(0, 0, 1, 'C');
    expect(fork.state.status).toBe('succeeded');
  });
});
