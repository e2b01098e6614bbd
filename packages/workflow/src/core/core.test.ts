import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { signalPattern as contractPattern } from '@signalbox/shared/contracts/execution/signal-run.js';
import { Random } from '../simulation/random.ts';
import { dispatched, graphOf, once, Play, type StepDraft } from '../simulation/play.ts';
import { randomGraph } from '../simulation/random-graph.ts';
import { decide } from './decide.ts';
import type { Effect, RunEvent } from './events.ts';
import { backoffMs, bounds, defaultRetry, ExpressionError, mayRetry, type Graph, type RetryPolicy } from './graph.ts';
import { sizeOf, type Json } from './json.ts';
import { isWaiting, progressOf } from './progress.ts';
import { openEffects, restore } from './restore.ts';
import { keptOf, unitsKept } from './fork.ts';
import { inputOf, keyOf, targetOf } from './scope.ts';
import { hasEnded, newRun, unitOf, type RunState } from './state.ts';
import type { Given } from './turn.ts';
import { signalPattern, waitOf } from './wait.ts';

describe('a run', () => {
  test('begins each step when its needs have ended, and gives the outputs', () => {
    const play = new Play(graphOf([{ key: 'a' }, { key: 'b' }, { key: 'c', needs: ['a', 'b'] }]));
    expect(dispatched(play.start())).toEqual(['0.-1.1', '1.-1.1']);
    expect(dispatched(play.complete(0, -1, 1, 'A').effects)).toEqual([]);
    expect(dispatched(play.complete(1, -1, 1, 'B').effects)).toEqual(['2.-1.1']);
    expect(play.complete(2, -1, 1, 'C').effects).toContainEqual({ e: 'ended' });
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'A', b: 'B', c: 'C' } });
  });

  test('computes values without sending anything, however long their chain', () => {
    const drafts: StepDraft[] = Array.from({ length: 400 }, (_, id) => ({
      key: `v${id}`,
      kind: 'value',
      needs: id === 0 ? [] : [`v${id - 1}`],
      input: ({ steps }) => (id === 0 ? 0 : (steps[`v${id - 1}`]?.output as number) + 1),
    }));
    const play = new Play(graphOf(drafts, { output: ({ steps }) => steps['v399']?.output ?? null }));
    expect(play.start()).toEqual([{ e: 'ended' }]);
    expect(play.state).toMatchObject({ status: 'succeeded', output: 399 });
  });

  test('skips a step whose condition is false, and what only it feeds, but not where branches join', () => {
    const play = new Play(
      graphOf([
        { key: 'no', condition: () => false },
        { key: 'yes', condition: () => true },
        { key: 'after', needs: ['no'] },
        { key: 'join', needs: ['after', 'yes'], input: ({ steps }) => steps['after']?.output ?? null },
      ]),
    );
    expect(dispatched(play.start())).toEqual(['1.-1.1']);
    expect(dispatched(play.complete(1, -1, 1, 'Y').effects)).toEqual(['3.-1.1']);
    play.complete(3, -1, 1, 'J');
    expect(play.state.steps.map(({ status }) => status)).toEqual(['skipped', 'succeeded', 'skipped', 'succeeded']);
    expect(progressOf(play.state)).toEqual({ total: 4, done: 4, running: 0, waiting: 0, failed: 0 });
  });

  test('does items at most so many at once, and joins their outputs in order', () => {
    const play = new Play(
      graphOf([{ key: 'map', items: () => ['x', 'y', 'z'], maxParallel: 2, input: ({ item, index }) => [item ?? null, index ?? null] }]),
    );
    const effects = play.start();
    expect(dispatched(effects)).toEqual(['0.0.1', '0.1.1']);
    expect(effects[0]).toMatchObject({ input: ['x', 0] });
    expect(progressOf(play.state)).toMatchObject({ total: 3, waiting: 3 });
    expect(dispatched(play.complete(0, 1, 1, 'Y').effects)).toEqual(['0.2.1']);
    play.complete(0, 2, 1, 'Z');
    play.complete(0, 0, 1, 'X');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { map: ['X', 'Y', 'Z'] } });
    expect(keyOf(play.state, 0, 2)).toBe('map[2]');
  });

  test('has nothing to do for no items', () => {
    const play = new Play(
      graphOf([
        { key: 'map', items: () => [] },
        { key: 'after', needs: ['map'], kind: 'value', input: ({ steps }) => steps['map']?.output ?? null },
      ]),
    );
    play.start();
    expect(play.state).toMatchObject({ status: 'succeeded', output: { map: [], after: [] } });
  });

  test('computes the items of a value at once', () => {
    const play = new Play(
      graphOf([
        { key: 'map', kind: 'value', items: () => [1, 2, 3], maxParallel: 1, input: ({ item }) => (item as number) * 2 },
        { key: 'next', needs: ['map'], kind: 'value', input: ({ steps }) => steps['map']?.output ?? null },
      ]),
    );
    play.start();
    expect(play.state).toMatchObject({ status: 'succeeded', output: { map: [2, 4, 6], next: [2, 4, 6] } });
  });

  test('fails with too many items, named with the limit', () => {
    const play = new Play(graphOf([{ key: 'map', items: () => new Array<Json>(bounds.items + 1).fill(1) }]));
    play.start();
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'limited',
      error: { code: 'limited', detail: expect.stringContaining('10001 items') as unknown as string },
    });
  });

  test('fails when an output that an expression makes is too large', () => {
    const play = new Play(graphOf([{ key: 'v', kind: 'value', input: () => 'x'.repeat(bounds.outputBytes) }]));
    play.start();
    expect(play.state).toMatchObject({ status: 'failed', reason: 'limited' });
  });

  test('fails when all its outputs together are too large', () => {
    const large = 'x'.repeat(1_000_000);
    const play = new Play(graphOf([{ key: 'v', kind: 'value', items: () => new Array<Json>(100).fill(1), input: () => `${large}` }]));
    play.start();
    expect(play.state).toMatchObject({ status: 'failed', reason: 'limited' });
  });

  test('fails by its own expressions, naming where they stand', () => {
    const bad = (): never => {
      throw new ExpressionError('no such key', '/spec/steps/a/with');
    };
    for (const draft of [
      { input: bad },
      { condition: bad },
      { items: bad },
      { items: () => [1], input: bad },
      { kind: 'value' as const, input: bad },
    ]) {
      const play = new Play(graphOf([{ key: 'a', ...draft }]));
      play.start();
      expect(play.state).toMatchObject({
        status: 'failed',
        error: { code: 'invalid', detail: expect.stringContaining('/spec/steps/a/with: no such key') as unknown as string },
      });
    }
    const play = new Play(graphOf([{ key: 'a', kind: 'value' }], { output: bad }));
    play.start();
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'invalid' } });
  });

  test('lets an error of ours through', () => {
    const bug = (): never => {
      throw new TypeError('a bug');
    };
    expect(() => new Play(graphOf([{ key: 'a', input: bug }])).start()).toThrow('a bug');
  });

  test('is too deep when workflows start workflows without end', () => {
    const play = new Play(graphOf([{ key: 'a' }]));
    const { effects } = play.tell({ type: 'start', input: {}, depth: bounds.depth + 1 });
    expect(dispatched(effects)).toEqual([]);
    expect(play.state).toMatchObject({ status: 'failed', reason: 'limited' });
  });

  test('is started once', () => {
    const play = new Play(graphOf([{ key: 'a' }]));
    play.start();
    expect(play.tell({ type: 'start', input: {}, depth: 0 })).toMatchObject({ outcome: 'known', transitions: [] });
  });
});

describe('a fork', () => {
  const graph = graphOf([
    { key: 'a' },
    { key: 'no', condition: () => false },
    { key: 'map', needs: ['a'], items: () => ['x', 'y', 'z'], maxParallel: 2 },
    { key: 'b', needs: ['a'] },
    { key: 'c', needs: ['map', 'b'], input: ({ steps }) => steps['map']?.output ?? null },
  ]);

  function failed(): Play {
    const play = new Play(graph);
    play.start('in');
    play.complete(0, -1, 1, 'A');
    play.complete(3, -1, 1, 'B');
    play.complete(2, 1, 1, 'Y');
    play.complete(2, 0, 1, null, 'internal');
    expect(play.state.status).toBe('failed');
    return play;
  }

  test('of a failed run does what was not done, items too, and nothing twice', () => {
    const kept = keptOf(failed().state, []);
    const play = new Play(graph);
    play.at = 5_000;
    const { effects } = play.tell({ type: 'start', input: 'in', depth: 0, kept });
    expect(dispatched(effects)).toEqual(['2.0.1', '2.2.1']);
    expect(unitsKept(kept)).toBe(4);
    expect(restore('run', graph, play.history)).toMatchObject({ status: 'running', left: play.state.left });
    play.complete(2, 0, 1, 'X');
    expect(dispatched(play.complete(2, 2, 1, 'Z').effects)).toEqual(['4.-1.1']);
    play.complete(4, -1, 1, 'C');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'A', map: ['X', 'Y', 'Z'], b: 'B', c: 'C', no: null } });
    expect(play.history.every(({ at }) => at >= 5_000)).toBe(true);
    // All is done: the fork of it has nothing to do.
    expect(new Play(graph).tell({ type: 'start', input: 'in', depth: 0, kept: keptOf(play.state, []) }).effects).toEqual([{ e: 'ended' }]);
  });

  test('from a step does it and all that follows again', () => {
    const kept = keptOf(failed().state, [2]);
    const play = new Play(graph);
    expect(dispatched(play.tell({ type: 'start', input: 'in', depth: 0, kept }).effects)).toEqual(['2.0.1', '2.1.1']);
    expect(dispatched(new Play(graph).tell({ type: 'start', input: 'in', depth: 0, kept: keptOf(failed().state, [0]) }).effects)).toEqual([
      '0.-1.1',
    ]);
  });

  test('of a failed run goes by what that run went on from, items that failed included', () => {
    const list = { items: () => ['x', 'y'], onError: 'continue' as const, maxFailures: () => 0 };
    const mixed = graphOf([
      { key: 'map', ...list },
      { key: 'after', needs: ['map'] },
      { key: 'last', needs: ['after'] },
    ]);
    const first = new Play(mixed);
    first.start();
    first.complete(0, 0, 1, 'X');
    first.complete(0, 1, 1, null, 'internal');
    first.complete(1, -1, 1, 'A');
    first.complete(2, -1, 1, null, 'internal');
    expect(first.state.status).toBe('failed');
    const play = new Play(mixed);
    const kept = keptOf(first.state, []);
    // Nothing of the map is done again: what follows it went by its failure.
    expect(dispatched(play.tell({ type: 'start', input: {}, depth: 0, kept }).effects)).toEqual(['2.-1.1']);
    expect(play.state.scope.steps['map']).toEqual(first.state.scope.steps['map']);
    play.complete(2, -1, 1, 'L');
    expect(play.state.status).toBe('succeeded');
    // From the map all of it is done again.
    const again = new Play(mixed).tell({ type: 'start', input: {}, depth: 0, kept: keptOf(first.state, [0]) });
    expect(dispatched(again.effects)).toEqual(['0.0.1', '0.1.1']);
  });

  test('does again what failed a step that its items go to, and keeps what was made of the others', () => {
    const streamed = graphOf([
      { key: 'read', items: () => ['x', 'y'], onError: 'continue', maxFailures: () => 0, maxParallel: 1 },
      { key: 'note', needs: ['read'], stream: 0 },
      { key: 'beside', needs: ['read'] },
    ]);
    const first = new Play(streamed);
    first.start();
    first.complete(0, 0, 1, 'X');
    first.complete(1, 0, 1, 'noted X');
    first.complete(0, 1, 1, null, 'internal');
    expect(first.state.status).toBe('failed');
    const play = new Play(streamed);
    const { effects } = play.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(first.state, []) });
    expect(dispatched(effects)).toEqual(['0.1.1']);
    play.complete(0, 1, 1, 'Y');
    play.complete(1, 1, 1, 'noted Y');
    play.complete(2, -1, 1, 'B');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { read: ['X', 'Y'], note: ['noted X', 'noted Y'], beside: 'B' } });
  });

  test('does again what was made of an item that is done again', () => {
    const streamed = graphOf([
      { key: 'read', items: () => ['x', 'y', 'z'], onError: 'continue', maxFailures: () => 1, maxParallel: 1 },
      { key: 'note', needs: ['read'], stream: 0 },
    ]);
    const first = new Play(streamed);
    first.start();
    first.complete(0, 0, 1, 'X');
    first.complete(1, 0, 1, 'noted X');
    first.complete(0, 1, 1, null, 'internal');
    first.complete(1, 1, 1, 'noted nothing');
    first.complete(0, 2, 1, null, 'internal');
    expect(first.state.status).toBe('failed');
    const play = new Play(streamed);
    play.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(first.state, []) });
    play.complete(0, 1, 1, 'Y');
    play.complete(0, 2, 1, 'Z');
    play.complete(1, 1, 1, 'noted Y');
    play.complete(1, 2, 1, 'noted Z');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { note: ['noted X', 'noted Y', 'noted Z'] } });
  });

  test('of any run, from any step, ends as a run from the start would, or fails', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(6), (seed, from) => {
        const random = new Random(seed);
        // A fork has a budget of its own: it may end where the first ran out.
        const any = withoutBudgets(randomGraph(random, { depth: 2 }));
        const drive = (play: Play, effects: Effect[]): void => {
          for (let open = effects; open.length > 0 && play.state.status === 'running';) {
            open = open.flatMap((effect): Effect[] => {
              if (effect.e === 'dispatch') return play.complete(effect.s, effect.i, effect.n, `${effect.s}.${effect.i}`).effects;
              if (effect.e !== 'wakeAt') return [];
              play.at = Math.max(play.at, effect.due);
              return play.tell({ type: 'due', timer: 'wake', s: effect.s, i: effect.i, n: effect.n }).effects;
            });
          }
        };
        const first = new Play(any);
        drive(first, first.start());
        if (first.state.status === 'running') return;
        const fork = new Play(any);
        drive(
          fork,
          fork.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(first.state, from < any.steps.length ? [from] : []) }).effects,
        );
        expect(fork.state.status).toBe(first.state.status);
        expect(fork.state.output).toEqual(first.state.output);
      }),
      // Of what streams from a step that is done again, items are kept: they do not begin once more when that step's are done.
      {
        numRuns: 300,
        examples: [
          [1695, 3],
          [5538, 0],
        ],
      },
    );
  });
});

describe('a step that may fail', () => {
  test('lets the run go on, with null and why', () => {
    const play = new Play(
      graphOf([
        { key: 'a', onError: 'continue' },
        { key: 'b', needs: ['a'], kind: 'value', input: ({ steps }) => ({ ...steps['a'] }) as unknown as Json },
        { key: 'c', needs: ['a'], condition: ({ steps }) => steps['a']?.status === 'succeeded' },
      ]),
    );
    play.start();
    play.complete(0, -1, 1, null, 'internal');
    expect(play.state).toMatchObject({
      status: 'succeeded',
      output: { b: { output: null, status: 'failed', errors: [{ index: null, code: 'internal', detail: 'it failed' }] } },
    });
    expect(play.state.steps.map(({ status }) => status)).toEqual(['failed', 'succeeded', 'skipped']);
    expect(play.complete(0, -1, 1, 'late').outcome).toBe('known');
  });

  test('lets its other items go on', () => {
    const play = new Play(
      graphOf([
        { key: 'map', items: () => [1, 2, 3], maxParallel: 1, onError: 'continue' },
        { key: 'after', needs: ['map'], kind: 'value', input: ({ steps }) => [steps['map']?.output ?? null, steps['map']?.errors as Json] },
      ]),
    );
    play.start();
    expect(dispatched(play.complete(0, 0, 1, null, 'internal').effects)).toEqual(['0.1.1']);
    play.complete(0, 1, 1, 'B');
    play.complete(0, 2, 1, null, 'invalid');
    const errors = [
      { index: 0, code: 'internal', detail: 'it failed' },
      { index: 2, code: 'invalid', detail: 'it failed' },
    ];
    expect(play.state).toMatchObject({ status: 'succeeded', output: { after: [[null, 'B', null], errors] } });
    expect(restore('run', play.state.graph, play.history)).toMatchObject({ status: 'succeeded', output: play.state.output });
  });

  test('may do so ten thousand times at once', () => {
    const play = new Play(
      graphOf([
        {
          key: 'map',
          items: () => new Array<Json>(bounds.items).fill(1),
          maxParallel: 3,
          onError: 'continue',
          input: () => {
            throw new ExpressionError('no', '/x');
          },
        },
        { key: 'after', needs: ['map'], kind: 'value', input: ({ steps }) => steps['map']?.errors.length ?? 0 },
      ]),
    );
    play.start();
    expect(play.state).toMatchObject({ status: 'succeeded', output: { after: bounds.items } });
  });
});

describe('a wait', () => {
  const signal = (id: string, data: Json = id, name = 'go'): RunEvent => ({ type: 'signal', id, hash: id, name, data });

  test('is over when its time has come', () => {
    const play = new Play(
      graphOf([
        { key: 'w', kind: 'wait', input: () => '2s' },
        { key: 'a', needs: ['w'] },
      ]),
    );
    expect(play.start()).toEqual([{ e: 'wakeAt', timer: 'wake', s: 0, i: -1, n: 1, due: 3_000 }]);
    expect(isWaiting(play.state)).toBe(true);
    expect(openEffects(play.state)).toEqual([{ e: 'wakeAt', timer: 'wake', s: 0, i: -1, n: 1, due: 3_000 }]);
    const due: RunEvent = { type: 'due', timer: 'wake', s: 0, i: -1, n: 1 };
    expect(play.tell(due).outcome).toBe('stale');
    play.at = 3_000;
    expect(dispatched(play.tell(due).effects)).toEqual(['1.-1.1']);
    expect(play.tell(due).outcome).toBe('stale');
  });

  test('takes a time of the past or the future, and a signal with or without an end', () => {
    const pointer = '/spec/steps/w/wait';
    expect(waitOf(5, 1_000, pointer)).toEqual({ due: 1_005 });
    expect(waitOf({ until: '1970-01-01T00:00:09Z' }, 1_000, pointer)).toEqual({ due: 9_000 });
    expect(waitOf({ until: 10 }, 1_000, pointer)).toEqual({ due: 1_000 });
    expect(waitOf({ signal: 'go' }, 1_000, pointer)).toEqual({ signal: 'go' });
    expect(waitOf({ signal: 'go', timeout: '1m' }, 1_000, pointer)).toEqual({ signal: 'go', due: 61_000 });
    for (const wrong of [
      'soon',
      -1,
      null,
      [],
      {},
      { until: 'soon' },
      { until: true },
      { signal: '' },
      { signal: 'a b' },
      { signal: 'a', timeout: 'x' },
    ])
      expect(() => waitOf(wrong, 1_000, pointer)).toThrow(ExpressionError);
  });

  test('gives what its signal said; one that came before is taken, and each is taken once', () => {
    const play = new Play(
      graphOf([{ key: 'a' }, { key: 'w', needs: ['a'], kind: 'wait', items: () => [1, 2, 3], input: () => ({ signal: 'go' }) }]),
    );
    play.start();
    expect(play.tell(signal('one')).outcome).toBe('taken');
    expect(play.tell(signal('one')).outcome).toBe('known');
    play.tell(signal('other', 'not for it', 'stop'));
    play.complete(0, -1, 1, 'A');
    expect(play.state.steps[1]?.units.map(({ status, output }) => [status, output])).toEqual([
      ['succeeded', 'one'],
      ['waiting', undefined],
      ['waiting', undefined],
    ]);
    play.tell(signal('two'));
    expect(restore('run', play.state.graph, play.history).signals).toEqual(play.state.signals);
    play.tell(signal('three'));
    expect(play.state).toMatchObject({ status: 'succeeded', output: { w: ['one', 'two', 'three'] } });
    expect(play.tell(signal('three')).outcome).toBe('known');
    expect(play.tell(signal('four')).outcome).toBe('stale');
  });

  test('for a signal that does not come in time fails, once', () => {
    const play = new Play(
      graphOf([{ key: 'w', kind: 'wait', input: () => ({ signal: 'go', timeout: 10 }), retry: { ...once, attempts: 9 } }]),
    );
    play.start();
    play.at = 1_010;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    expect(play.state).toMatchObject({ status: 'failed', reason: 'timeout', error: { detail: 'w: the signal go did not come in time' } });
  });

  test('with an expression that gives nothing to wait for fails', () => {
    const play = new Play(graphOf([{ key: 'w', kind: 'wait', input: () => 'soon' }]));
    play.start();
    expect(play.state).toMatchObject({
      status: 'failed',
      error: { code: 'invalid', detail: expect.stringContaining('/spec/steps/w/wait') as unknown as string },
    });
  });

  test('joins items that are all over at once, and what follows begins once', () => {
    const play = new Play(
      graphOf([
        { key: 'w', kind: 'wait', items: () => [1, 2, 3], maxParallel: 1, input: () => ({ signal: 'go' }) },
        { key: 'after', needs: ['w'] },
      ]),
    );
    play.start();
    for (const id of ['x', 'y']) play.tell(signal(id, id, 'late'));
    expect(dispatched(['a', 'b', 'c'].flatMap((id) => play.tell(signal(id)).effects))).toEqual(['1.-1.1']);
    expect(play.state.signals.open.get('late')).toEqual(['x', 'y']);
  });

  test('takes the names that can be sent', () => {
    expect(signalPattern).toEqual(contractPattern);
  });

  test('of signals a run takes only so many', () => {
    const play = new Play(graphOf([{ key: 'a' }]));
    play.start();
    for (let i = 0; i < bounds.signals; i++) play.tell(signal(String(i)));
    expect(play.tell(signal('more')).outcome).toBe('stale');
    expect(play.tell(signal('1')).outcome).toBe('known');
  });
});

describe('an attempt', () => {
  const retry: RetryPolicy = { attempts: 3, initialMs: 100, factor: 2, maxMs: 150, nonRetryable: ['invalid'] };

  test('is followed by another when its policy allows it, later each time', () => {
    const play = new Play(graphOf([{ key: 'a', retry }]));
    play.start();
    const first = play.complete(0, -1, 1, null, 'internal');
    expect(first.effects).toContainEqual({ e: 'wakeAt', timer: 'wake', s: 0, i: -1, n: 1, due: 1_075 });
    expect(isWaiting(play.state)).toBe(true);
    expect(play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 }).outcome).toBe('stale');
    play.at = 1_075;
    expect(dispatched(play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 }).effects)).toEqual(['0.-1.2']);
    expect(play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 }).outcome).toBe('stale');
    play.complete(0, -1, 2, null, 'internal');
    play.at = 2_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 2 });
    play.complete(0, -1, 3, null, 'internal');
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'internal', detail: 'a: it failed' } });
    expect(unitOf(play.state, 0, -1)?.attempts?.map(({ n }) => n)).toEqual([1, 2]);
  });

  test('is the last when its error is not to be tried again', () => {
    const play = new Play(graphOf([{ key: 'a', retry }]));
    play.start();
    play.complete(0, -1, 1, null, 'invalid');
    expect(play.state.status).toBe('failed');
  });

  test('waits as long as the failing side asks', () => {
    const play = new Play(graphOf([{ key: 'a', retry }]));
    play.start();
    const turn = play.tell({ type: 'completed', s: 0, i: -1, n: 1, error: { code: 'limited', detail: 'slow down', retryAfterMs: 5_000 } });
    expect(turn.effects).toContainEqual(expect.objectContaining({ e: 'wakeAt', due: 6_000 }));
  });

  test('passes to the fallback when the first agent is used up, with attempts of its own', () => {
    const play = new Play(graphOf([{ key: 'a', fallback: 'spare', retry: { ...retry, attempts: 1 } }]));
    play.start();
    expect(targetOf(play.state, 0, -1)).toBe('a');
    expect(dispatched(play.complete(0, -1, 1, null, 'unavailable').effects)).toEqual(['0.-1.2']);
    expect(targetOf(play.state, 0, -1)).toBe('spare');
    play.complete(0, -1, 2, 'from the spare');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'from the spare' } });
  });

  test('does not pass to the fallback what is wrong with the input', () => {
    const play = new Play(graphOf([{ key: 'a', fallback: 'spare' }]));
    play.start();
    play.complete(0, -1, 1, null, 'invalid');
    expect(play.state.status).toBe('failed');
  });

  test('passes to the fallback when the first agent is not there', () => {
    const play = new Play(graphOf([{ key: 'a', fallback: 'spare' }]));
    play.start();
    expect(dispatched(play.complete(0, -1, 1, null, 'not_found').effects)).toEqual(['0.-1.2']);
  });

  test('is accepted once, by one instance', () => {
    const play = new Play(graphOf([{ key: 'a' }]));
    play.start();
    const ref = { s: 0, i: -1, n: 1 };
    expect(play.tell({ type: 'accepted', instance: 'w1', ...ref }).outcome).toBe('taken');
    expect(play.tell({ type: 'accepted', instance: 'w1', ...ref }).outcome).toBe('known');
    expect(play.tell({ type: 'accepted', instance: 'w2', ...ref }).outcome).toBe('stale');
    expect(play.tell({ type: 'accepted', instance: 'w1', ...ref, n: 2 }).outcome).toBe('stale');
    expect(play.tell({ type: 'accepted', instance: 'w1', s: 9, i: -1, n: 1 }).outcome).toBe('stale');
  });

  test('is known again when its report comes twice, also after the end', () => {
    const play = new Play(graphOf([{ key: 'a', retry }]));
    play.start();
    play.complete(0, -1, 1, null, 'internal');
    expect(play.complete(0, -1, 1, null, 'internal')).toMatchObject({ outcome: 'known', transitions: [] });
    play.at = 5_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    play.complete(0, -1, 2, 'done');
    expect(play.complete(0, -1, 2, 'done')).toMatchObject({ outcome: 'known', transitions: [] });
    expect(play.complete(0, -1, 1, 'late')).toMatchObject({ outcome: 'known', transitions: [] });
    expect(play.complete(0, -1, 3, 'never begun')).toMatchObject({ outcome: 'stale' });
  });

  test('that was lost is refused when it reports later', () => {
    const play = new Play(graphOf([{ key: 'a', retry }]));
    play.start();
    const turn = play.tell({ type: 'lost', s: 0, i: -1, n: 1, error: { code: 'unavailable', detail: 'gone' } });
    expect(turn.effects).toContainEqual({ e: 'attemptEnded', s: 0, i: -1, n: 1, isCancelled: true });
    expect(play.complete(0, -1, 1, 'late')).toMatchObject({ outcome: 'stale', transitions: [] });
    expect(play.tell({ type: 'lost', s: 0, i: -1, n: 1, error: { code: 'unavailable', detail: 'gone' } }).outcome).toBe('stale');
  });

  test('that takes longer than its timeout fails, once it was accepted', () => {
    const play = new Play(graphOf([{ key: 'a', timeoutMs: 500 }]));
    play.start();
    const due: RunEvent = { type: 'due', timer: 'attempt', s: 0, i: -1, n: 1 };
    play.at = 9_000;
    expect(play.tell(due).outcome).toBe('stale');
    play.tell({ type: 'accepted', instance: 'w', s: 0, i: -1, n: 1 });
    play.at = 9_499;
    expect(play.tell(due).outcome).toBe('stale');
    play.at = 9_500;
    expect(play.tell(due).outcome).toBe('taken');
    expect(play.state).toMatchObject({ status: 'failed', reason: 'timeout', error: { code: 'timeout' } });
  });

  test('counts what it used, whether it failed or not', () => {
    const play = new Play(graphOf([{ key: 'a', retry }]));
    play.start();
    const usage = { inputTokens: 10, outputTokens: 2, costUsd: 0.5 };
    play.tell({ type: 'completed', s: 0, i: -1, n: 1, error: { code: 'internal', detail: 'x' }, usage });
    play.at = 5_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    play.tell({ type: 'completed', s: 0, i: -1, n: 2, output: 1, usage });
    expect(play.state.usage).toEqual({ inputTokens: 20, outputTokens: 4, costUsd: 1 });
  });
});

describe('an end', () => {
  test('by cancel stops open tasks and child runs, and takes nothing more', () => {
    const play = new Play(graphOf([{ key: 'a' }, { key: 'w', kind: 'workflow', target: 'sub' }, { key: 'later', needs: ['a'] }]));
    const effects = play.start();
    expect(effects).toContainEqual({ e: 'startChild', s: 1, i: -1, run: 'child0', workflow: 'sub', input: {}, depth: 1 });
    const turn = play.tell({ type: 'cancel', by: 'ann' });
    expect(turn.effects).toEqual([
      { e: 'attemptEnded', isCancelled: true, s: 0, i: -1, n: 1 },
      { e: 'cancelChild', run: 'child0' },
      { e: 'ended' },
    ]);
    expect(play.state).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann' });
    expect(play.state.steps.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect(play.complete(0, -1, 1, 'late').outcome).toBe('stale');
    expect(play.tell({ type: 'cancel', by: 'ann' }).outcome).toBe('known');
    expect(play.tell({ type: 'taken', epoch: 2 }).outcome).toBe('stale');
    expect(play.tell({ type: 'childEnded', s: 1, i: -1, child: 'child0', output: 1 }).outcome).toBe('known');
    expect(progressOf(play.state)).toMatchObject({ total: 3, done: 0, waiting: 0 });
  });

  test('by the timeout of the run', () => {
    const play = new Play(graphOf([{ key: 'a' }]));
    play.tell({ type: 'start', input: {}, depth: 0, timeoutMs: 50 });
    expect(play.tell({ type: 'due', timer: 'run' }).outcome).toBe('stale');
    play.at += 50;
    play.tell({ type: 'due', timer: 'run' });
    expect(play.state).toMatchObject({ status: 'failed', reason: 'timeout' });
  });

  test('of a child is the end of its step', () => {
    const play = new Play(graphOf([{ key: 'w', kind: 'workflow', target: 'sub', retry: { ...once, attempts: 2 } }]));
    play.start();
    expect(progressOf(play.state)).toMatchObject({ running: 1 });
    expect(isWaiting(play.state)).toBe(true);
    play.tell({ type: 'childEnded', s: 0, i: -1, child: 'child0', error: { code: 'internal', detail: 'x' } });
    expect(play.tell({ type: 'childEnded', s: 0, i: -1, child: 'child0', output: 1 }).outcome).toBe('stale');
    play.at = 5_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    play.tell({ type: 'childEnded', s: 0, i: -1, child: 'child1', output: 'sub' });
    expect(play.state).toMatchObject({ status: 'succeeded', output: { w: 'sub' } });
  });
});

describe('a new owner', () => {
  test('finds what is open: tasks, retries and child runs', () => {
    const play = new Play(
      graphOf([
        { key: 'a' },
        { key: 'b', retry: { ...once, attempts: 2 } },
        { key: 'w', kind: 'workflow', target: 'sub' },
        { key: 'done' },
      ]),
    );
    play.start({ x: 1 });
    play.complete(1, -1, 1, null, 'internal');
    play.complete(3, -1, 1, 'ok');
    const state = restore('run', play.state.graph, play.history);
    expect(decide(state, { type: 'taken', epoch: 3 }, play.given()).transitions).toEqual([{ t: 'taken', at: 1_000, epoch: 3 }]);
    expect(openEffects(state)).toEqual([
      { e: 'dispatch', s: 0, i: -1, n: 1, input: {} },
      { e: 'wakeAt', timer: 'wake', s: 1, i: -1, n: 1, due: expect.any(Number) as unknown as number },
      { e: 'startChild', s: 2, i: -1, run: 'child0', workflow: 'sub', input: {}, depth: 1 },
    ]);
  });

  test('ends what cannot be computed any more', () => {
    let isBroken = false;
    const input = (): Json => {
      if (isBroken) throw new ExpressionError('gone', '/x');
      return 1;
    };
    const play = new Play(graphOf([{ key: 'a', input }]));
    play.start();
    isBroken = true;
    expect(openEffects(play.state)).toMatchObject([{ e: 'unsendable', error: { code: 'invalid' } }]);
  });

  test('finds nothing to do in a run that has ended', () => {
    const play = new Play(graphOf([{ key: 'a', kind: 'value' }]));
    play.start();
    expect(openEffects(play.state)).toEqual([]);
  });
});

describe('laws', () => {
  /** Plays a random graph with random events, also ones that make no sense, until it ends. */
  function playAtRandom(seed: number): Play {
    const random = new Random(seed);
    const play = new Play(randomGraph(random, { failing: random.chance(0.3) }));
    play.start({ seed });
    for (let step = 0; step < 50_000 && !hasEnded(play.state); step++) {
      play.at += random.below(100);
      const s = random.below(play.state.steps.length);
      const current = play.state.steps[s] as RunState['steps'][number];
      const i = current.isFanned ? random.below(Math.max(1, current.units.length)) : -1;
      const unit = unitOf(play.state, s, i);
      const n = random.chance(0.9) ? (unit?.attempt ?? 1) : random.below(4);
      const error = { code: random.chance(0.3) ? 'invalid' : 'unavailable', detail: 'by chance' };
      const events: RunEvent[] = [
        { type: 'accepted', s, i, n, instance: 'w' },
        { type: 'completed', s, i, n, output: step },
        { type: 'completed', s, i, n, output: step },
        { type: 'completed', s, i, n, error },
        { type: 'lost', s, i, n, error },
        { type: 'due', timer: 'wake', s, i, n },
        { type: 'due', timer: (['attempt', 'queue', 'start', 'total'] as const)[random.below(4)] as 'total', s, i, n },
        { type: 'resolve', id: `${step}`, by: 'chance', s, i, how: random.chance(0.5) ? 'retry' : 'fail' },
        { type: 'due', timer: 'run' },
        { type: 'childEnded', s, i, child: unit?.child ?? 'none', ...(random.chance(0.8) ? { output: step } : { error }) },
        ...(random.chance(0.01) ? [{ type: 'cancel' as const, by: 'chance' }] : []),
        ...(random.chance(0.05) ? [{ type: 'taken' as const, epoch: step }] : []),
        ...(random.chance(0.1) ? [{ type: 'rest' as const }] : []),
      ];
      play.tell(events[random.below(events.length)] as RunEvent);
    }
    return play;
  }

  test('every run ends', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => hasEnded(playAtRandom(seed).state)),
      { numRuns: 200 },
    );
  });

  test('the transitions alone give the same state', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, part) => {
        const play = playAtRandom(seed);
        const whole = restore('run', play.state.graph, play.history);
        expect(plain(whole)).toEqual(plain(play.state));
        // And from any point on, the rest leads to the same end.
        const cut = Math.floor(part * play.history.length);
        const halfway = restore('run', play.state.graph, play.history.slice(0, cut));
        expect(openEffects(halfway).every(({ e }) => ['dispatch', 'wakeAt', 'startChild', 'unsendable', 'seek'].includes(e))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('a step is recorded once, and what is sent can be computed again', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const play = playAtRandom(seed);
        const succeeded = play.history.filter(({ t }) => t === 'succeeded').map((t) => ('i' in t ? `${t.s}.${t.i}` : ''));
        expect(new Set(succeeded).size).toBe(succeeded.length);
        for (const t of play.history) if (t.t === 'queued') expect(() => inputOf(play.state, t.s, t.i)).not.toThrow();
      }),
      { numRuns: 100 },
    );
  });

  test('backoff grows to its limit and never falls below half of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (tries, chance) => {
        const policy = { ...defaultRetry, initialMs: 100, maxMs: 10_000 };
        const full = Math.min(10_000, 100 * 2 ** (tries - 1));
        const wait = backoffMs(policy, tries, chance);
        expect(wait).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(wait).toBeLessThanOrEqual(full);
      }),
    );
    expect(mayRetry(defaultRetry, 'unavailable', 1)).toBe(true);
    expect(mayRetry(defaultRetry, 'internal', 1)).toBe(false);
    expect(mayRetry(defaultRetry, 'unavailable', 3)).toBe(false);
  });

  test('a size is near what JSON takes, and stops at its limit', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = JSON.stringify(value).length;
        expect(sizeOf(value as Json)).toBeGreaterThanOrEqual(bytes / 4 - 8);
      }),
    );
    let shared: Json = 'x';
    for (let level = 0; level < 60; level++) shared = [shared, shared];
    expect(sizeOf(shared, 10_000)).toBeLessThan(20_000);
  });
});

/** Without the functions of the graph and what is computed when needed. */
function plain(state: RunState): unknown {
  return JSON.parse(JSON.stringify({ ...state, graph: null, steps: state.steps.map((step) => ({ ...step, items: null })) })) as unknown;
}

test('a run knows the epoch in which it was begun, until another owner takes it', () => {
  const graph = randomGraph(new Random(1), { depth: 0 });
  const given: Given = { at: 1, random: () => 0.5, newRunId: () => 'child', newId: () => 'id' };
  const begun = decide(newRun('r', graph), { type: 'start', input: null, depth: 0, epoch: 7 }, given);
  expect(restore('r', graph, begun.transitions).epoch).toBe(7);
  const old = decide(newRun('r', graph), { type: 'start', input: null, depth: 0 }, given);
  expect(restore('r', graph, old.transitions).epoch).toBe(0);
  expect(restore('r', graph, [...begun.transitions, { t: 'taken', at: 2, epoch: 9 }]).epoch).toBe(9);
});

function withoutBudgets({ budget: _, steps, ...graph }: Graph): Graph {
  return { ...graph, steps: steps.map(({ budget: _own, ...step }) => step) };
}
