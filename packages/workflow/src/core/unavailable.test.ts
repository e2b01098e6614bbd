import { describe, expect, test } from '@jest/globals';
import { keptOf } from './fork.ts';
import { ExpressionError } from './graph.ts';
import { restore } from './restore.ts';
import { dispatched, graphOf, once, Play, type StepDraft } from '../simulation/play.ts';

const away = { code: 'unavailable', detail: 'no worker of a is connected' };
const step: StepDraft = { key: 'a', unavailable: { afterMs: 100, use: () => 'usual' } };
const after: StepDraft = { key: 'b', needs: ['a'] };

function begun(...drafts: StepDraft[]): Play {
  const play = new Play(graphOf(drafts));
  play.start();
  return play;
}

function stranded(play: Play, i = -1, n = 1): ReturnType<Play['tell']> {
  return play.tell({ type: 'stranded', s: 0, i, n, error: away });
}

describe('a step that nobody can do', () => {
  test('gives what it declares, and what needs it goes on with that', () => {
    const play = begun(step, after);
    const turn = stranded(play);
    expect(turn.transitions).toContainEqual({
      t: 'degraded',
      at: expect.any(Number),
      s: 0,
      i: -1,
      n: 1,
      error: away,
      output: 'usual',
      isLost: true,
    });
    expect(turn.effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 0, i: -1, n: 1 });
    expect(dispatched(turn.effects)).toEqual(['1.-1.1']);
    expect(play.state.scope.steps['a']).toEqual({
      output: 'usual',
      status: 'succeeded',
      errors: [{ index: null, code: 'unavailable', detail: away.detail }],
    });
    play.complete(1, -1, 1, 'done');
    expect(play.state).toMatchObject({ status: 'succeeded', reason: 'degraded: a', output: { a: 'usual', b: 'done' } });
  });

  test('is skipped where it says so, and with it what needs nothing else', () => {
    const play = begun({ key: 'a', unavailable: { afterMs: 100 } }, after);
    stranded(play);
    expect(play.state).toMatchObject({
      status: 'succeeded',
      reason: 'degraded: a',
      steps: [{ status: 'skipped', output: null }, { status: 'skipped' }],
    });
  });

  test('of items each for itself: what was not there is the declared value, or null', () => {
    const play = begun({ key: 'a', items: () => [1, 2], unavailable: { afterMs: 100 } });
    stranded(play, 1);
    play.complete(0, 0, 1, 'one');
    expect(play.state).toMatchObject({ status: 'succeeded', reason: 'degraded: a[1]', output: { a: ['one', null] } });
  });

  test('a worker that comes with its result afterwards is refused: it was not taken', () => {
    const play = begun(step, after);
    stranded(play);
    expect(play.complete(0, -1, 1, 'late').outcome).toBe('stale');
    expect(stranded(play).outcome).toBe('stale');
  });

  test('whoever has begun it does it: it is not stranded', () => {
    const play = begun(step);
    play.tell({ type: 'accepted', s: 0, i: -1, n: 1, instance: 'w' });
    expect(stranded(play).outcome).toBe('stale');
    expect(begun({ key: 'a' }).tell({ type: 'stranded', s: 0, i: -1, n: 1, error: away }).outcome).toBe('stale');
  });

  test.each(['unavailable', 'not_found'])('attempts that end with %s are used up: it degrades, after whoever takes over', (code) => {
    const play = begun({ ...step, failover: { to: ['b'], afterMs: 10 }, retry: once });
    expect(play.complete(0, -1, 1, null, code).effects).toContainEqual({ e: 'seek', s: 0, i: -1, n: 1 });
    play.tell({ type: 'moved', s: 0, i: -1, n: 1 });
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'usual' } });
    // It was told by its executor: the same report again is known.
    expect(play.complete(0, -1, 1, null, code).outcome).toBe('known');
  });

  test('what is wrong with the task, or may have had its effect, is a failure', () => {
    const invalid = begun(step);
    invalid.complete(0, -1, 1, null, 'invalid');
    expect(invalid.state.status).toBe('failed');
    const crashed = begun({ ...step, onCrash: 'fail' });
    crashed.tell({ type: 'accepted', s: 0, i: -1, n: 1, instance: 'w' });
    crashed.tell({ type: 'lost', s: 0, i: -1, n: 1, error: away });
    expect(crashed.state.status).toBe('failed');
  });

  test('a value that cannot be computed fails it', () => {
    const use = (): never => {
      throw new ExpressionError('no such field', '/spec/steps/a/whenUnavailable/use');
    };
    const play = begun({ key: 'a', unavailable: { afterMs: 100, use } });
    stranded(play);
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'invalid' } });
  });

  test('nothing was done, so that nothing is undone', () => {
    const undo: StepDraft = { key: 'a.undo', kind: 'tool', part: 'undo', undoes: 0 };
    const play = new Play({ ...graphOf([step, after, undo]), undo: { on: ['failed'], timeoutMs: 1_000 } });
    play.start();
    stranded(play);
    const turn = play.complete(1, -1, 1, null, 'invalid');
    expect(dispatched(turn.effects)).toEqual([]);
    expect(play.state.status).toBe('failed');
  });

  test('a fork that keeps it still says so', () => {
    for (const use of [step.unavailable?.use, undefined]) {
      const play = begun({ key: 'a', unavailable: { afterMs: 100, ...(use && { use }) } }, { ...after, condition: () => true });
      stranded(play);
      play.complete(1, -1, 1, null, 'invalid');
      const fork = new Play(play.state.graph);
      fork.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(play.state, []) });
      fork.complete(1, -1, 1, 'done');
      expect(fork.state).toMatchObject({ status: 'succeeded', reason: 'degraded: a' });
    }
  });

  test('the journal tells all of it', () => {
    const play = begun(step, after);
    stranded(play);
    expect(restore('run', play.state.graph, play.history)).toMatchObject({ degraded: 1, steps: [{ output: 'usual' }, { status: 'open' }] });
  });
});
