import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dispatched, graphOf, once, Play, type StepDraft } from '../simulation/play.ts';
import type { RunEvent } from './events.ts';
import { isWaiting } from './progress.ts';
import { openEffects, restore } from './restore.ts';
import { keptOf } from './fork.ts';
import { unitOf } from './state.ts';

describe('items that may fail', () => {
  const items = (count: number): StepDraft => ({
    key: 'map',
    items: () => Array.from({ length: count }, (_, index) => index),
    maxFailures: () => 1,
  });

  test('up to so many are nulls with errors, and the run goes on', () => {
    const after: StepDraft = {
      key: 'after',
      needs: ['map'],
      input: ({ steps }) => [steps['map']?.output ?? null, steps['map']?.errors ?? []],
    };
    const play = new Play(graphOf([items(3), after]));
    play.start();
    play.complete(0, 1, 1, null, 'internal');
    play.complete(0, 0, 1, 'X');
    const { effects } = play.complete(0, 2, 1, 'Z');
    const errors = [{ index: 1, code: 'internal', detail: 'it failed' }];
    expect(effects).toContainEqual({ e: 'dispatch', s: 1, i: -1, n: 1, input: [['X', null, 'Z'], errors] });
    play.complete(1, -1, 1, null);
    const fork = new Play(play.state.graph);
    expect(dispatched(fork.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(play.state, []) }).effects)).toEqual(['0.1.1']);
    expect(fork.complete(0, 1, 1, 'Y').effects).toContainEqual({ e: 'dispatch', s: 1, i: -1, n: 1, input: [['X', 'Y', 'Z'], []] });
    // Of a run that did not go on, what was borne is not tried again.
    expect(keptOf({ ...play.state, status: 'cancelled' }, [])).toContainEqual({ t: 'joined', at: 0, s: 0 });
  });

  test('one more fails the step: the others are cancelled, and so the run fails', () => {
    const play = new Play(graphOf([items(4)]));
    play.start();
    play.complete(0, 1, 1, null, 'internal');
    play.complete(0, 0, 1, 'X');
    const { effects } = play.complete(0, 2, 1, null, 'invalid');
    expect(effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 0, i: 3, n: 1 });
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'invalid', detail: 'map[2]: it failed' } });
    expect(play.state.steps[0]?.status).toBe('failed');
    expect(play.state.steps[0]?.units.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'failed', 'cancelled']);
  });

  test('with onError: continue the step fails and the run goes on; a fork does what was not done, and all that follows it', () => {
    const after: StepDraft = { key: 'after', needs: ['map'], input: ({ steps }) => steps['map']?.status ?? '' };
    const play = new Play(graphOf([{ ...items(4), onError: 'continue' }, after]));
    play.start();
    play.complete(0, 3, 1, 'W');
    play.complete(0, 1, 1, null, 'internal');
    const { effects } = play.complete(0, 2, 1, null, 'internal');
    expect(effects).toContainEqual({ e: 'dispatch', s: 1, i: -1, n: 1, input: 'failed' });
    play.complete(1, -1, 1, null);
    expect(play.state.status).toBe('succeeded');
    expect(keptOf(play.state, []).filter(({ t }) => t === 'succeeded')).toMatchObject([{ s: 0, i: 3, output: 'W' }]);
  });

  test('values that cannot be computed count too', () => {
    const play = new Play(graphOf([{ ...items(3), kind: 'workflow' }]));
    play.start();
    const children = [0, 1, 2].map((i) => unitOf(play.state, 0, i)?.child as string);
    const error = { code: 'internal', detail: 'it failed' };
    play.tell({ type: 'childEnded', s: 0, i: 0, child: children[0] as string, error });
    const { effects } = play.tell({ type: 'childEnded', s: 0, i: 1, child: children[1] as string, error });
    expect(effects).toContainEqual({ e: 'cancelChild', run: children[2] });
  });

  test('the step fails exactly when more have failed than may', () => {
    const cases = fc.record({
      ends: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
      may: fc.nat(10),
      at: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(cases, ({ ends, may, at }) => {
        const play = new Play(graphOf([{ ...items(ends.length), maxFailures: () => may, maxParallel: at }]));
        play.start();
        ends.forEach((isWell, i) => play.complete(0, i, 1, i, isWell ? undefined : 'internal'));
        const failures = ends.filter((isWell) => !isWell).length;
        expect(play.state.status).toBe(failures > may ? 'failed' : 'succeeded');
        const begun = play.history.filter(({ t }) => t === 'queued').length;
        if (failures <= may) expect(begun).toBe(ends.length);
        expect(play.history.filter(({ t }) => t === 'stopped' || t === 'joined')).toHaveLength(1);
      }),
    );
  });
});

describe('a timeout', () => {
  const due = (timer: 'queue' | 'start' | 'attempt' | 'total', n = 1): RunEvent => ({ type: 'due', timer, s: 0, i: -1, n });

  test('of the queue ends an attempt that nobody accepts, and another follows where that is allowed', () => {
    const play = new Play(graphOf([{ key: 'a', timeouts: { queueMs: 500 }, retry: { ...once, attempts: 2 } }]));
    expect(play.start()).toContainEqual({ e: 'wakeAt', timer: 'queue', s: 0, i: -1, n: 1, due: 1_500 });
    play.at = 1_499;
    expect(play.tell(due('queue')).outcome).toBe('stale');
    play.at = 1_500;
    expect(play.tell(due('queue')).effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 0, i: -1, n: 1 });
    play.at = 1_600;
    const { effects } = play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    expect(effects).toContainEqual({ e: 'wakeAt', timer: 'queue', s: 0, i: -1, n: 2, due: 2_100 });
    play.tell({ type: 'accepted', s: 0, i: -1, n: 2, instance: 'w' });
    play.at = 2_100;
    expect(play.tell(due('queue', 2)).outcome).toBe('stale');
  });

  test('of the start ends an attempt that was handed over and not accepted', () => {
    const play = new Play(graphOf([{ key: 'a', timeouts: { startMs: 500 } }]));
    play.start();
    play.tell(due('start'));
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'timeout',
      error: { detail: expect.stringContaining('start timeout of 500 ms') as unknown as string },
    });
    const accepted = new Play(graphOf([{ key: 'a', timeouts: { startMs: 500 } }]));
    accepted.start();
    accepted.tell({ type: 'accepted', s: 0, i: -1, n: 1, instance: 'w' });
    expect(accepted.tell(due('start')).outcome).toBe('stale');
  });

  test('of all attempts ends the step between two of them, whatever its policy', () => {
    const step: StepDraft = { key: 'a', timeouts: { totalMs: 2_000 }, retry: { ...once, attempts: 9 }, fallback: 'spare' };
    const play = new Play(graphOf([step]));
    expect(play.start()).toContainEqual({ e: 'wakeAt', timer: 'total', s: 0, i: -1, n: 1, due: 3_000 });
    play.complete(0, -1, 1, null, 'internal');
    play.at = 2_000;
    const { effects } = play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    expect(effects).toContainEqual({ e: 'wakeAt', timer: 'total', s: 0, i: -1, n: 2, due: 3_000 });
    play.complete(0, -1, 2, null, 'internal');
    play.at = 3_000;
    play.tell(due('total'));
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'timeout',
      error: { detail: expect.stringContaining('total timeout of 2000 ms') as unknown as string },
    });
  });

  test('of all attempts ends a child run', () => {
    const play = new Play(graphOf([{ key: 'a', kind: 'workflow', timeouts: { totalMs: 2_000 } }]));
    play.start();
    play.at = 3_000;
    expect(play.tell(due('total')).effects).toContainEqual({ e: 'cancelChild', run: 'child0' });
    expect(play.state.status).toBe('failed');
  });

  test('is set again by a new owner, for the time that is left', () => {
    const step: StepDraft = { key: 'a', timeouts: { queueMs: 500, totalMs: 2_000 } };
    const play = new Play(graphOf([step, { ...step, key: 'b', retry: { ...once, attempts: 2 } }]));
    play.start();
    play.complete(1, -1, 1, null, 'internal');
    const effects = openEffects(restore('run', play.state.graph, play.history));
    expect(effects.flatMap((each) => (each.e === 'wakeAt' ? [`${each.timer} ${each.s} ${each.due}`] : []))).toEqual([
      'queue 0 1500',
      'total 0 3000',
      expect.stringMatching(/^wake 1/),
      'total 1 3000',
    ]);
  });
});

describe('a lost executor', () => {
  const lost: RunEvent = { type: 'lost', s: 0, i: -1, n: 1, error: { code: 'unavailable', detail: 'gone' } };
  const accepted: RunEvent = { type: 'accepted', s: 0, i: -1, n: 1, instance: 'w' };
  const step: StepDraft = { key: 'a', retry: { ...once, attempts: 5 }, fallback: 'spare' };
  const crashed = (onCrash: 'fail' | 'ask'): Play => {
    const play = new Play(graphOf([{ ...step, onCrash }]));
    play.start();
    play.tell(accepted);
    play.tell(lost);
    return play;
  };
  const resolve = (how: 'retry' | 'fail', id = 'one'): RunEvent => ({ type: 'resolve', id, by: 'ann', s: 0, i: -1, how });

  test('fails the step where it may not be done twice, here or by a parent', () => {
    expect(crashed('fail').state).toMatchObject({ status: 'failed', error: { code: 'unavailable', isFinal: true } });
  });

  test('that had not begun is followed by another attempt all the same', () => {
    const play = new Play(graphOf([{ ...step, onCrash: 'ask' }]));
    play.start();
    play.tell(lost);
    expect(unitOf(play.state, 0, -1)).toMatchObject({ status: 'waiting', crash: undefined });
    expect(unitOf(play.state, 0, -1)?.due).toBeGreaterThan(0);
  });

  test('is asked about: nothing happens until a person says what follows', () => {
    const play = crashed('ask');
    expect(isWaiting(play.state)).toBe(true);
    expect(openEffects(restore('run', play.state.graph, play.history))).toEqual([]);
    expect(dispatched(play.tell(resolve('retry')).effects)).toEqual(['0.-1.2']);
    expect(play.tell(resolve('retry')).outcome).toBe('known');
    expect(play.tell(resolve('fail', 'two')).outcome).toBe('stale');
    expect(play.complete(0, -1, 1, 'late').outcome).toBe('stale');
    play.complete(0, -1, 2, 'A');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'A' } });
  });

  test('is said to have failed', () => {
    const play = crashed('ask');
    play.tell(resolve('fail'));
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'unavailable', detail: 'a: gone' } });
    expect(play.tell(resolve('fail')).outcome).toBe('known');
  });

  test('is said to have done it', () => {
    const play = crashed('ask');
    play.tell({ type: 'resolve', id: 'one', by: 'ann', s: 0, i: -1, how: 'output', output: 'by hand' });
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'by hand' } });
  });

  test('comes back with its result before anybody has said anything; a failure is no answer', () => {
    const play = crashed('ask');
    expect(play.complete(0, -1, 1, null, 'cancelled').outcome).toBe('stale');
    expect(play.complete(0, -1, 1, 'A').outcome).toBe('taken');
    expect(play.complete(0, -1, 1, 'A').outcome).toBe('known');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'A' } });
  });

  test('is nothing to decide on before it is lost', () => {
    const play = new Play(graphOf([{ ...step, onCrash: 'ask' }]));
    play.start();
    expect(play.tell(resolve('retry')).outcome).toBe('stale');
  });
});
