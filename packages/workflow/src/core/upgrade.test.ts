import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Graph } from './graph.ts';
import { restore } from './restore.ts';
import type { RunState } from './state.ts';
import { alignedTo, incompatibilities } from './upgrade.ts';
import { dispatched, graphOf, Play, type StepDraft } from '../simulation/play.ts';
import { Random } from '../simulation/random.ts';
import { randomGraph } from '../simulation/random-graph.ts';

const version = (hash: string, drafts: StepDraft[], rest: Partial<Graph> = {}): Graph => graphOf(drafts, { hash, ...rest });
const a: StepDraft = { key: 'a' };
const b: StepDraft = { key: 'b', needs: ['a'] };

function begun(drafts: StepDraft[] = [a, b], rest: Partial<Graph> = {}): Play {
  const play = new Play(version('h1', drafts, rest));
  play.start();
  return play;
}

const why = (play: Play, to: Graph): string[] => incompatibilities(play.state, to).map(({ step, because }) => `${step}: ${because}`);
const goOver = (play: Play, graph: Graph): string => play.tell({ type: 'upgrade', by: 'ann', graph }).outcome;

describe('a run that goes over to another definition', () => {
  test('does what has not begun as the new one says, under ids that nothing else has', () => {
    const play = begun();
    const to = version('h2', [{ key: 'first' }, { key: 'b', needs: ['a', 'first'], target: 'other' }, a, { key: 'last', needs: ['b'] }]);
    const turn = play.tell({ type: 'upgrade', by: 'ann', graph: to });
    expect(play.state.graph.steps.map(({ key }) => key)).toEqual(['a', 'b', 'first', 'last']);
    expect(dispatched(turn.effects)).toEqual(['2.-1.1']);
    play.complete(0, -1, 1, 'a');
    expect(play.state.steps[1]?.status).toBe('pending');
    const next = play.complete(2, -1, 1, 'first');
    expect(dispatched(next.effects)).toEqual(['1.-1.1']);
    play.complete(1, -1, 1, 'b');
    play.complete(3, -1, 1, 'last');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'a', b: 'b', first: 'first', last: 'last' } });
  });

  test('keeps a step that has begun as it began, and what was decided', () => {
    const play = begun([a, { key: 'no', condition: () => false }, { key: 'b', needs: ['a', 'no'] }]);
    const to = version('h2', [{ key: 'no', condition: () => true }, { ...a, target: 'other', label: 'New' }, b]);
    expect(goOver(play, to)).toBe('taken');
    expect(play.state.graph.steps[0]).toMatchObject({ key: 'a', target: 'a', label: 'New' });
    expect(play.state.steps[1]?.status).toBe('skipped');
    expect(dispatched(play.complete(0, -1, 1, 1).effects)).toEqual(['2.-1.1']);
  });

  test('what is gone stands for nothing, and may come back', () => {
    const play = begun([{ key: 'x', needs: ['y'] }, { key: 'y' }]);
    expect(goOver(play, version('h2', [{ key: 'y' }]))).toBe('taken');
    expect(play.state.graph.steps.map(({ key, isRemoved }) => [key, isRemoved])).toEqual([
      ['x', true],
      ['y', undefined],
    ]);
    expect(goOver(play, version('h3', [{ key: 'y' }, { key: 'x', needs: ['y'] }]))).toBe('taken');
    expect(dispatched(play.complete(1, -1, 1, 1).effects)).toEqual(['0.-1.1']);
    const gone = begun([{ key: 'x', needs: ['y'] }, { key: 'y' }]);
    goOver(gone, version('h2', [{ key: 'y' }]));
    gone.complete(1, -1, 1, 'done');
    expect(gone.state).toMatchObject({ status: 'succeeded', output: { y: 'done' } });
  });

  test('ends where the new one has nothing left to do', () => {
    const play = begun();
    play.complete(0, -1, 1, 1);
    play.tell({ type: 'accepted', instance: 'w', s: 1, i: -1, n: 1 });
    play.complete(1, -1, 1, 2);
    expect(play.state.status).toBe('succeeded');
    expect(goOver(play, version('h2', [a, b]))).toBe('stale');
    const waiting = begun([a, { key: 'w', kind: 'wait', input: () => 1_000 }, { key: 'b', needs: ['w'] }]);
    waiting.complete(0, -1, 1, 1);
    goOver(waiting, version('h2', [a, { key: 'w', kind: 'wait' }]));
    waiting.at += 1_000;
    waiting.tell({ type: 'due', timer: 'wake', s: 1, i: -1, n: 1 });
    expect(waiting.state.status).toBe('succeeded');
  });

  test('is refused with every place that does not fit', () => {
    const play = begun([a, { key: 'items', items: () => [1, 2] }, { key: 'tidy', kind: 'tool' }, { key: 'gone' }, b]);
    const to = version('h2', [
      { ...a, needs: ['late'] },
      { key: 'late' },
      { key: 'items' },
      { key: 'tidy', kind: 'tool', part: 'finally' },
      { key: 'b', kind: 'tool' },
    ]);
    expect(why(play, to)).toEqual([
      'a: it has begun, and now needs late, which has not ended',
      'items: it has begun for each item, and is now done once',
      'tidy: it has begun, and is now a step of finally',
      'gone: it has begun, and is not there any more',
    ]);
    expect(goOver(play, to)).toBe('stale');
    expect(why(play, version('h2', [a], { name: 'other' }))).toEqual(['null: it is of the workflow other, not test']);
    play.complete(0, -1, 1, 1);
    expect(
      why(
        play,
        version('h2', [{ ...a, kind: 'tool' }, { key: 'items', items: () => [] }, { key: 'tidy', kind: 'tool' }, { key: 'gone' }, b]),
      ),
    ).toEqual(['a: it was done as agent, and is now tool']);
    play.tell({ type: 'cancel', by: 'ann' });
    expect(why(play, to)).toEqual(['null: the run has been cancelled']);
  });

  test('undoes by the new one what it had done before, item by item', () => {
    const items = (): number[] => [1, 2];
    const play = begun([
      { key: 'pay', items },
      { key: 'w', kind: 'wait', input: () => ({ signal: 's' }), needs: ['pay'] },
    ]);
    play.complete(0, 0, 1, 'one');
    play.complete(0, 1, 1, 'two');
    const undo: StepDraft = { key: 'pay.undo', kind: 'tool', part: 'undo', undoes: 0, items: () => [9], input: ({ item = 0 }) => item };
    const to = version('h2', [{ key: 'pay', items: () => [9] }, { key: 'w', kind: 'wait', needs: ['pay'] }, undo], {
      undo: { on: ['cancelled'], timeoutMs: 1_000 },
    });
    expect(goOver(play, to)).toBe('taken');
    const { effects } = play.tell({ type: 'cancel', by: 'ann' });
    expect(effects.flatMap((effect) => (effect.e === 'dispatch' ? [effect.input] : []))).toEqual([1, 2]);
  });

  test('has its timeout from the new one, unless it was given less', () => {
    const play = begun([a], { timeoutMs: 5_000 });
    const turn = play.tell({ type: 'upgrade', by: 'ann', graph: version('h2', [a], { timeoutMs: 9_000 }) });
    expect(play.state.timeoutMs).toBe(9_000);
    expect(turn.effects).toContainEqual({ e: 'watch' });
    const less = new Play(version('h1', [a], { timeoutMs: 5_000 }));
    less.tell({ type: 'start', input: {}, depth: 0, timeoutMs: 1_000 });
    goOver(less, version('h2', [a], { timeoutMs: 9_000 }));
    expect(less.state.timeoutMs).toBe(1_000);
  });

  test('is told again by its journal, given the definitions', () => {
    const play = begun();
    const to = version('h2', [{ key: 'n' }, b, a]);
    goOver(play, to);
    play.complete(0, -1, 1, 1);
    const again = restore('run', version('h1', [a, b]), play.history, new Map([['h2', to]]));
    expect(plain(again)).toEqual(plain(play.state));
    expect(() => restore('run', version('h1', [a, b]), play.history)).toThrow('the definition h2 that the run went over to is not given');
  });

  test('to the same definition changes nothing, whatever it has done', () => {
    const play = begun();
    const turn = play.tell({ type: 'upgrade', by: 'ann', graph: version('h1', [a, b]) });
    expect(turn).toMatchObject({ outcome: 'known', transitions: [], effects: [] });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 30 }), (seed, events) => {
        const graph = randomGraph(new Random(seed), { depth: 2 });
        const played = new Play(graph);
        let open = played.start();
        for (let count = 0; count < events; count++) {
          const effect = open.find((each) => each.e === 'dispatch');
          if (effect?.e !== 'dispatch' || played.state.status !== 'running') break;
          open = [...open.filter((each) => each !== effect), ...played.complete(effect.s, effect.i, effect.n, count).effects];
        }
        if (played.state.status !== 'running' || played.state.ending !== undefined) return;
        const before = plain(played.state);
        const renamed = { ...graph, hash: 'sha256:other' };
        expect(incompatibilities(played.state, renamed)).toEqual([]);
        expect(JSON.stringify(alignedTo(played.state, renamed).steps)).toBe(JSON.stringify(graph.steps));
        const same = played.tell({ type: 'upgrade', by: 'ann', graph: renamed });
        expect(same.transitions.map(({ t }) => t)).toEqual(['upgraded']);
        expect(plain(played.state)).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });
});

/** A state without what is no data. */
function plain(state: RunState): unknown {
  return JSON.parse(JSON.stringify({ ...state, graph: undefined }));
}
