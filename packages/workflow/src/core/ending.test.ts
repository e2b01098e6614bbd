import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dispatched, graphOf, Play, type StepDraft } from '../simulation/play.ts';
import { notUndone, runDue } from './ending.ts';
import type { Transition } from './events.ts';
import { keptOf } from './fork.ts';
import type { Graph } from './graph.ts';
import { progressOf } from './progress.ts';
import { openEffects, restore } from './restore.ts';
import type { RunState } from './state.ts';

const tidy: StepDraft = {
  key: 'tidy',
  part: 'finally',
  input: ({ run, steps }) => [run.status ?? '', run.error?.code ?? '', steps['a']?.status ?? ''],
};
const withFinally: Partial<Graph> = { finally: { timeoutMs: 5_000 }, output: ({ steps }) => steps['a']?.output ?? null };
const withUndo: Partial<Graph> = { undo: { on: ['failed', 'cancelled'], timeoutMs: 5_000 } };

/** A step and what undoes it. `after`: the keys of what is undone before. */
function undo(key: string, after: string[] = [], rest: Partial<StepDraft> = {}): StepDraft {
  const input: StepDraft['input'] = ({ steps, item }) => [steps[key]?.output ?? null, item ?? null];
  return { key: `${key}.undo`, part: 'undo', input, needs: after.map((each) => `${each}.undo`), ...rest };
}

function undoGraph(drafts: StepDraft[], rest: Partial<Graph> = {}): Graph {
  const main = drafts.map(({ key }) => key);
  return graphOf(
    drafts.map((draft) => (draft.part === 'undo' ? { ...draft, undoes: main.indexOf(draft.key.slice(0, -'.undo'.length)) } : draft)),
    { ...withUndo, ...rest },
  );
}

const cancel = (id?: string) => ({ type: 'cancel' as const, by: 'ann', ...(id !== undefined && { id }) });

describe('finally', () => {
  test('begins when the main graph has succeeded, and the run gives what that gave', () => {
    const play = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    expect(dispatched(play.start())).toEqual(['0.-1.1']);
    const { effects } = play.complete(0, -1, 1, 'A');
    expect(effects).toContainEqual({ e: 'watch' });
    expect(effects).toContainEqual({ e: 'dispatch', s: 1, i: -1, n: 1, input: ['succeeded', '', 'succeeded'] });
    expect(play.state).toMatchObject({ status: 'running', reason: 'finishing', left: 1 });
    expect(play.complete(1, -1, 1, 'T').effects).toContainEqual({ e: 'ended' });
    expect(play.state).toMatchObject({ status: 'succeeded', reason: null, output: 'A' });
  });

  test('begins when the main graph has failed, sees the error, and leaves the run failed', () => {
    const play = new Play(graphOf([{ key: 'a' }, { key: 'b' }, tidy], withFinally));
    play.start();
    const { effects } = play.complete(0, -1, 1, null, 'internal');
    expect(effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 1, i: -1, n: 1 });
    expect(effects).toContainEqual({ e: 'dispatch', s: 2, i: -1, n: 1, input: ['failed', 'internal', 'failed'] });
    expect(play.complete(1, -1, 1, 'late').outcome).toBe('stale');
    play.complete(2, -1, 1, 'T');
    expect(play.state).toMatchObject({ status: 'failed', reason: 'failed', error: { detail: 'a: it failed' } });
  });

  test('begins after a cancel and after the timeout of the run; steps that never began are cancelled', () => {
    for (const [event, input, end] of [
      [cancel(), ['cancelled', '', 'cancelled'], { status: 'cancelled', reason: 'cancelled by ann' }],
      [{ type: 'due', timer: 'run' } as const, ['failed', 'timeout', 'cancelled'], { status: 'failed', reason: 'timeout' }],
    ] as const) {
      const play = new Play(graphOf([{ key: 'first' }, { key: 'a', needs: ['first'] }, tidy], withFinally));
      play.start();
      play.at += 100_000;
      expect(play.tell(event).effects).toContainEqual({ e: 'dispatch', s: 2, i: -1, n: 1, input });
      play.complete(2, -1, 1, null);
      expect(play.state).toMatchObject(end);
    }
  });

  test('that fails makes the run fail, with the first error kept; its other steps go on', () => {
    const drafts: StepDraft[] = [
      { key: 'a' },
      tidy,
      { key: 'close', part: 'finally', needs: ['tidy'] },
      { ...tidy, key: 'may', onError: 'continue' },
    ];
    const play = new Play(graphOf(drafts, withFinally));
    play.start();
    play.complete(0, -1, 1, 'A');
    expect(dispatched(play.complete(1, -1, 1, null, 'internal').effects)).toEqual(['2.-1.1']);
    play.complete(3, -1, 1, null, 'invalid');
    play.complete(2, -1, 1, 'closed');
    expect(play.state).toMatchObject({ status: 'failed', reason: 'failed', error: { code: 'internal', detail: 'tidy: it failed' } });
    expect(play.state.output).toBeUndefined();

    const failed = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    failed.start();
    failed.complete(0, -1, 1, null, 'invalid');
    failed.complete(1, -1, 1, null, 'internal');
    expect(failed.state).toMatchObject({ status: 'failed', error: { code: 'invalid', detail: 'a: it failed' } });
  });

  test('whose failing steps may fail leaves the run as it was', () => {
    const play = new Play(graphOf([{ key: 'a' }, { ...tidy, onError: 'continue' }], withFinally));
    play.start();
    play.complete(0, -1, 1, 'A');
    play.complete(1, -1, 1, null, 'internal');
    expect(play.state).toMatchObject({ status: 'succeeded', output: 'A' });
  });

  test('is bounded by its own timeout, not by what is left of the run’s', () => {
    const play = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    play.start();
    play.at = 90_000;
    play.complete(0, -1, 1, 'A');
    expect(runDue(play.state)).toBe(95_000);
    play.at = 94_999;
    expect(play.tell({ type: 'due', timer: 'run' }).outcome).toBe('stale');
    play.at = 95_000;
    expect(play.tell({ type: 'due', timer: 'run' }).effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 1, i: -1, n: 1 });
    expect(play.state).toMatchObject({
      status: 'failed',
      error: { code: 'timeout', detail: expect.stringContaining('finally') as unknown as string },
    });
  });

  test('is ended at once by a second cancel; the same cancel twice is one', () => {
    const play = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    play.start();
    play.tell(cancel('one'));
    expect(play.tell(cancel('one')).outcome).toBe('known');
    expect(play.tell(cancel()).outcome).toBe('known');
    expect(play.state.status).toBe('running');
    expect(play.tell(cancel('two')).effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 1, i: -1, n: 1 });
    expect(play.state).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann' });
    expect(play.tell(cancel('two')).outcome).toBe('known');
  });

  test('of a run that had succeeded is cancelled with the run, and one that had failed stays failed', () => {
    const play = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    play.start();
    play.complete(0, -1, 1, 'A');
    play.tell(cancel('one'));
    expect(play.state).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann' });

    const failed = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    failed.start();
    failed.complete(0, -1, 1, null, 'internal');
    failed.tell(cancel('one'));
    expect(failed.state).toMatchObject({ status: 'failed', error: { code: 'internal' } });
  });

  test('does not begin in a run that workflows which start each other have made', () => {
    const play = new Play(graphOf([{ key: 'a' }, { ...tidy, kind: 'workflow' }], withFinally));
    const { effects } = play.tell({ type: 'start', input: {}, depth: 17 });
    expect(effects.map(({ e }) => e)).toEqual(['ended']);
    expect(play.state).toMatchObject({ status: 'failed', reason: 'limited' });
  });

  test('has room of its own where outputs have filled the run', () => {
    const large = 'x'.repeat(1_000_000);
    const play = new Play(
      graphOf([{ key: 'a', items: () => Array.from({ length: 100 }, () => null) }, tidy, { ...tidy, key: 'more' }], withFinally),
    );
    play.start();
    for (let i = 0; i < 100 && play.state.ending === undefined; i++) play.complete(0, i, 1, large);
    expect(play.state.ending).toMatchObject({ status: 'failed', reason: 'limited' });
    play.complete(1, -1, 1, large);
    expect(play.state.status).toBe('running');
    play.complete(2, -1, 1, large);
    expect(play.state).toMatchObject({ status: 'failed', reason: 'limited' });
  });

  test('goes on with a new owner', () => {
    const play = new Play(graphOf([{ key: 'a' }, tidy], withFinally));
    play.start();
    play.complete(0, -1, 1, null, 'internal');
    const state = restore('run', play.state.graph, play.history);
    expect(openEffects(state)).toEqual([{ e: 'dispatch', s: 1, i: -1, n: 1, input: ['failed', 'internal', 'failed'] }]);
    expect(runDue(state)).toBe(runDue(play.state));
  });
});

describe('undoing', () => {
  const saga = [{ key: 'book' }, { key: 'pay', needs: ['book'] }, { key: 'send', needs: ['pay'] }, undo('pay'), undo('book', ['pay'])];

  test('takes back what has succeeded when the run fails, what came last first', () => {
    const play = new Play(undoGraph(saga));
    play.start();
    play.complete(0, -1, 1, 'B');
    play.complete(1, -1, 1, 'P');
    expect(progressOf(play.state)).toEqual({ total: 3, done: 2, running: 0, waiting: 1, failed: 0 });
    const { effects } = play.complete(2, -1, 1, null, 'internal');
    expect(effects.filter(({ e }) => e === 'dispatch')).toEqual([{ e: 'dispatch', s: 3, i: -1, n: 1, input: ['P', null] }]);
    expect(play.state).toMatchObject({ status: 'running', reason: 'undoing' });
    expect(progressOf(play.state)).toMatchObject({ total: 4 });
    expect(dispatched(play.complete(3, -1, 1, 'gone').effects)).toEqual(['4.-1.1']);
    play.complete(4, -1, 1, 'gone');
    expect(play.state).toMatchObject({ status: 'failed', reason: 'failed', error: { detail: 'send: it failed' } });
    expect(notUndone(play.state)).toEqual([]);
  });

  test('is not asked of what has not succeeded, nor of a run that succeeds', () => {
    const play = new Play(undoGraph(saga));
    play.start();
    expect(dispatched(play.complete(0, -1, 1, null, 'internal').effects)).toEqual([]);
    expect(play.state).toMatchObject({ status: 'failed', ending: undefined });

    const done = new Play(undoGraph(saga));
    done.start();
    for (const s of [0, 1, 2]) done.complete(s, -1, 1, null);
    expect(done.state.status).toBe('succeeded');
    expect(done.state.steps.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'skipped', 'skipped']);
    expect(progressOf(done.state).total).toBe(3);
  });

  test('follows a cancel only where the workflow says so', () => {
    for (const [on, isUndone] of [
      [['failed', 'cancelled'], true],
      [['failed'], false],
    ] as const) {
      const play = new Play(undoGraph(saga, { undo: { on, timeoutMs: 5_000 } }));
      play.start();
      play.complete(0, -1, 1, 'B');
      expect(dispatched(play.tell(cancel()).effects)).toEqual(isUndone ? ['4.-1.1'] : []);
      expect(play.state.status).toBe(isUndone ? 'running' : 'cancelled');
    }
  });

  test('of items is of those that have succeeded, with their own item and output', () => {
    const graph = undoGraph([{ key: 'map', items: () => ['x', 'y', 'z'] }, undo('map', [], { items: () => ['x', 'y', 'z'] })]);
    const play = new Play(graph);
    play.start();
    play.complete(0, 2, 1, 'Z');
    play.complete(0, 0, 1, 'X');
    const { effects } = play.complete(0, 1, 1, null, 'internal');
    expect(effects.filter(({ e }) => e === 'dispatch')).toEqual([
      { e: 'dispatch', s: 1, i: 0, n: 1, input: ['X', 'x'] },
      { e: 'dispatch', s: 1, i: 2, n: 1, input: ['Z', 'z'] },
    ]);
    play.complete(1, 2, 1, null);
    play.complete(1, 0, 1, null);
    expect(play.state.status).toBe('failed');
  });

  test('goes on when some of it fails, and the run says what could not be undone', () => {
    const play = new Play(undoGraph(saga));
    play.start();
    play.complete(0, -1, 1, 'B');
    play.complete(1, -1, 1, 'P');
    play.tell(cancel('one'));
    expect(dispatched(play.complete(3, -1, 1, null, 'internal').effects)).toEqual(['4.-1.1']);
    play.complete(4, -1, 1, null);
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'not undone: pay',
      error: { code: 'internal', detail: 'pay could not be undone: it failed' },
    });
    expect(notUndone(play.state).map(({ key }) => key)).toEqual(['pay']);
  });

  test('is not stopped by a cancel, and gives way to finally when its time is up', () => {
    const play = new Play(undoGraph([...saga, tidy], withFinally));
    play.start();
    play.complete(0, -1, 1, 'B');
    play.complete(1, -1, 1, 'P');
    play.complete(2, -1, 1, null, 'internal');
    expect(play.tell(cancel('one'))).toMatchObject({ outcome: 'known', transitions: [] });
    play.at += 5_000;
    const { effects } = play.tell({ type: 'due', timer: 'run' });
    expect(effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 3, i: -1, n: 1 });
    expect(dispatched(effects)).toEqual(['5.-1.1']);
    play.complete(5, -1, 1, null);
    expect(play.state).toMatchObject({ status: 'failed', reason: 'not undone: pay, book', error: { detail: 'send: it failed' } });
  });

  test('leaves nothing to be kept by a fork, which does it again; what a fork kept is not the fork’s to undo', () => {
    const play = new Play(undoGraph(saga));
    play.start();
    play.complete(0, -1, 1, 'B');
    play.complete(1, -1, 1, null, 'internal');
    play.complete(4, -1, 1, null);
    expect(play.state.status).toBe('failed');
    expect(keptOf(play.state, [])).toEqual([]);

    const plain = new Play(undoGraph(saga, { undo: { on: ['cancelled'], timeoutMs: 5_000 } }));
    plain.start();
    plain.complete(0, -1, 1, 'B');
    plain.complete(1, -1, 1, null, 'internal');
    const kept = keptOf(plain.state, []);
    expect(kept).toMatchObject([{ t: 'succeeded', s: 0, isKept: true }]);
    const fork = new Play(plain.state.graph);
    fork.tell({ type: 'start', input: {}, depth: 0, kept });
    fork.tell(cancel());
    expect(fork.state).toMatchObject({ status: 'cancelled', ending: undefined });
  });

  test('of items a fork was given other input for is of those that it has done', () => {
    const items: StepDraft['items'] = ({ input }) => (input as { list: string[] }).list;
    const graph = undoGraph([{ key: 'map', items }, undo('map', [], { items })], { undo: { on: ['cancelled'], timeoutMs: 5_000 } });
    const play = new Play(graph);
    play.start({ list: ['x', 'y', 'z'] });
    play.complete(0, 0, 1, 'X');
    play.complete(0, 2, 1, 'Z');
    play.complete(0, 1, 1, null, 'internal');
    const fork = new Play(graph);
    fork.tell({ type: 'start', input: { list: ['other'] }, depth: 0, kept: keptOf(play.state, []) });
    fork.complete(0, 1, 1, 'Y');
    expect(fork.state.status).toBe('succeeded');

    const cancelled = new Play(
      graphOf([...graph.steps.map((step) => ({ ...step, needs: [] })), { key: 'more' }], {
        undo: graph.undo as NonNullable<Graph['undo']>,
      }),
    );
    cancelled.tell({ type: 'start', input: { list: ['other'] }, depth: 0, kept: keptOf(play.state, []) });
    cancelled.complete(0, 1, 1, 'Y');
    expect(dispatched(cancelled.tell(cancel()).effects)).toEqual(['1.1.1']);
  });

  test('undoes each thing that was done once, after what needed it, or says that it could not', () => {
    const shape = fc.record({
      needs: fc.array(fc.array(fc.nat(5), { maxLength: 3 }), { minLength: 1, maxLength: 6 }),
      ends: fc.array(fc.boolean(), { minLength: 1, maxLength: 80 }),
    });
    fc.assert(
      fc.property(shape, ({ needs, ends }) => {
        const keys = needs.map((_, s) => `s${s}`);
        const needsOf = needs.map((list, s) => [...new Set(list.filter((need) => need < s))].map((need) => `s${need}`));
        const followers = (key: string): string[] => keys.filter((_, s) => needsOf[s]?.includes(key));
        const main = keys.map((key, s) => ({ key, needs: needsOf[s] as string[] }));
        const play = new Play(undoGraph([...main, ...keys.map((key) => undo(key, followers(key)))]));
        play.start();
        // Every open attempt ends, well or not as chance will have it; the last word is a cancel.
        for (const [at, isWell] of ends.entries()) {
          const open = play.state.steps.findIndex(({ units }, s) => units[0]?.status === 'queued' && (s + at) % 2 === 0);
          if (open >= 0 && play.state.status === 'running') play.complete(open, -1, 1, open, isWell ? undefined : 'internal');
        }
        play.tell(cancel());
        for (let s = 0; s < 2 * keys.length; s++) {
          for (let undoing = 0; undoing < 2 * keys.length; undoing++) {
            if (play.state.steps[undoing]?.units[0]?.status === 'queued') play.complete(undoing, -1, 1, null);
          }
        }
        expect(play.state.status).not.toBe('running');
        checkSaga(play.state, play.history, keys.length);
      }),
      { numRuns: 300 },
    );
  });
});

function checkSaga(state: RunState, history: readonly Transition[], count: number): void {
  const at = (t: Transition['t'], s: number): number => history.findIndex((each) => each.t === t && 's' in each && each.s === s);
  const left = new Set(notUndone(state).map(({ key }) => key));
  for (let s = 0; s < count; s++) {
    const isDone = state.steps[s]?.status === 'succeeded';
    const isUndone = state.steps[count + s]?.status === 'succeeded';
    if (state.status === 'succeeded') expect(isUndone).toBe(false);
    else expect(isUndone || left.has(`s${s}`)).toBe(isDone);
    for (const need of state.graph.steps[s]?.needs ?? []) {
      const [own, other] = [count + s, count + need];
      if (at('queued', own) < 0 || at('queued', other) < 0) continue;
      const end = Math.max(at('succeeded', own), at('failed', own));
      expect(at('queued', other)).toBeGreaterThan(end);
    }
  }
}

test('a journal from before any of this gives the state that it gave', () => {
  const graph = graphOf([
    { key: 'a', onError: 'continue' },
    { key: 'b', items: () => [1, 2] },
    { key: 'c', needs: ['a', 'b'] },
  ]);
  const error = { code: 'internal', detail: 'it failed' };
  const journal: Transition[] = [
    { t: 'started', at: 1, input: {}, depth: 0, timeoutMs: 100_000 },
    { t: 'queued', at: 1, s: 0, i: -1, n: 1 },
    { t: 'fanned', at: 1, s: 1, count: 2 },
    { t: 'queued', at: 1, s: 1, i: 0, n: 1 },
    { t: 'queued', at: 1, s: 1, i: 1, n: 1 },
    { t: 'began', at: 2, s: 0, i: -1, n: 1, instance: 'w' },
    { t: 'retrying', at: 3, s: 0, i: -1, n: 1, due: 4, error, isLost: true },
    { t: 'queued', at: 4, s: 0, i: -1, n: 2 },
    { t: 'failed', at: 5, s: 0, i: -1, n: 2, error },
    { t: 'succeeded', at: 6, s: 1, i: 0, n: 1, output: 'x' },
    { t: 'ended', at: 7, status: 'cancelled', reason: 'cancelled by ann' },
  ];
  const state = restore('run', graph, journal);
  expect(state).toMatchObject({ status: 'cancelled', reason: 'cancelled by ann', endedAt: 7, left: 2, units: 4, ending: undefined });
  expect(state.steps.map(({ status }) => status)).toEqual(['failed', 'cancelled', 'cancelled']);
  expect(state.steps[1]?.units.map(({ status }) => status)).toEqual(['succeeded', 'cancelled']);
  expect(state.steps[0]?.units[0]?.attempts).toHaveLength(1);
  expect(openEffects(state)).toEqual([]);
});
