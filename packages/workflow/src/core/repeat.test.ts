import { describe, expect, test } from '@jest/globals';
import { dispatched, graphOf, once, Play, type StepDraft } from '../simulation/play.ts';
import { keptOf } from './fork.ts';
import { ExpressionError } from './graph.ts';
import type { Json } from './json.ts';
import type { RepeatPolicy } from './repeat.ts';
import { openEffects, restore } from './restore.ts';
import { workOf } from './scope.ts';

const repeat = (policy: Partial<RepeatPolicy> = {}): RepeatPolicy => ({ maxTurns: 4, onLimit: 'fail', ...policy });
const talk = (policy: Partial<RepeatPolicy> = {}, more: Partial<StepDraft> = {}): StepDraft => ({
  key: 'talk',
  repeat: repeat(policy),
  input: ({ turns = [], last, index }) => ({ turns: turns as unknown as Json[], last: last ?? null, index: index ?? -1 }),
  ...more,
});
const isDone: RepeatPolicy['until'] = ({ last }) => last === 'done';

describe('a step in turns', () => {
  test('takes one after another, each seeing those before, until it is done', () => {
    const play = new Play(
      graphOf([talk({ until: isDone }), { key: 'after', needs: ['talk'], input: ({ steps }) => steps['talk']?.output ?? null }]),
    );
    expect(dispatched(play.start())).toEqual(['0.0.1']);
    expect(play.complete(0, 0, 1, 'one').effects).toContainEqual({
      e: 'dispatch',
      s: 0,
      i: 1,
      n: 1,
      input: { turns: [{ agent: 'a', output: 'one' }], last: 'one', index: 1 },
    });
    const { effects } = play.complete(0, 1, 1, 'done');
    const turns = [
      { agent: 'a', output: 'one' },
      { agent: 'a', output: 'done' },
    ];
    expect(effects).toContainEqual({ e: 'dispatch', s: 1, i: -1, n: 1, input: { last: 'done', turns, end: 'until' } });
  });

  test('without until takes as many as it may', () => {
    const play = new Play(graphOf([talk({ maxTurns: 2 })]));
    play.start();
    play.complete(0, 0, 1, 'one');
    play.complete(0, 1, 1, 'two');
    expect(play.state).toMatchObject({ status: 'succeeded', steps: [{ output: { last: 'two', end: 'turns' } }] });
  });

  test('that does not come to its end fails, or goes on with what it has, and says why', () => {
    const play = new Play(graphOf([talk({ maxTurns: 2, until: isDone })]));
    play.start();
    play.complete(0, 0, 1, 'one');
    play.complete(0, 1, 1, 'two');
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'limited',
      error: { code: 'limited', detail: 'talk[2]: repeat.maxTurns: until is not true after 2 turns' },
    });
    const lenient = new Play(graphOf([talk({ maxTurns: 2, until: isDone, onLimit: 'continue' })]));
    lenient.start();
    lenient.complete(0, 0, 1, 'one');
    lenient.complete(0, 1, 1, 'two');
    expect(lenient.state).toMatchObject({ status: 'succeeded', steps: [{ output: { last: 'two', end: 'turns' } }] });
  });

  test('that makes no progress ends, and says so', () => {
    const noProgress = { turns: 2, similarity: 1 };
    const play = new Play(graphOf([talk({ until: isDone, noProgress })]));
    play.start();
    play.complete(0, 0, 1, 'Same.');
    play.complete(0, 1, 1, 'same');
    expect(play.state).toMatchObject({ status: 'failed', error: { detail: 'talk[2]: no progress: the last 2 turns gave the same' } });
    const lenient = new Play(graphOf([talk({ noProgress, onLimit: 'continue' })]));
    lenient.start();
    lenient.complete(0, 0, 1, 'Same.');
    lenient.complete(0, 1, 1, 'same');
    expect(lenient.state).toMatchObject({ status: 'succeeded', steps: [{ output: { end: 'no_progress' } }] });
  });

  test('compares what it is told to', () => {
    const of = ({ last }: { last?: Json }): Json => (last as { board: Json }).board;
    const play = new Play(graphOf([talk({ noProgress: { turns: 2, similarity: 1, of } })]));
    play.start();
    play.complete(0, 0, 1, { board: 'b', said: 1 });
    play.complete(0, 1, 1, { board: 'b', said: 2 });
    expect(play.state.status).toBe('failed');
  });

  test('chooses its agent for each turn, and keeps to it when it is tried again', () => {
    const agent = ({ index = 0 }): string => (index % 2 === 0 ? 'writer' : 'critic');
    const retry = { ...once, attempts: 2 };
    const play = new Play(graphOf([talk({ maxTurns: 3 }, { chooses: { agent, agents: ['writer', 'critic'] }, retry })]));
    play.start();
    play.complete(0, 0, 1, 'draft');
    play.complete(0, 1, 1, null, 'unavailable');
    play.at = 60_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: 1, n: 1 });
    const restored = restore('run', play.state.graph, play.history);
    expect(restored).toEqual(play.state);
    expect([0, 1].map((i) => workOf(restored, 0, i).target)).toEqual(['writer', 'critic']);
    play.complete(0, 1, 2, 'better');
    play.complete(0, 2, 1, 'better draft');
    expect(play.state.output).toMatchObject({ talk: { turns: [{ agent: 'writer' }, { agent: 'critic' }, { agent: 'writer' }] } });
  });

  test('fails where whom it chooses is not one of its agents', () => {
    const play = new Play(graphOf([talk({}, { chooses: { agent: () => 'nobody', agents: ['writer'] } })]));
    play.start();
    expect(play.state).toMatchObject({
      status: 'failed',
      error: { code: 'invalid', detail: expect.stringContaining('none of writer') as unknown },
    });
  });

  test('fails with a turn that fails for good, and a fork goes on after the last that did not', () => {
    const play = new Play(graphOf([talk({ maxTurns: 3 })]));
    play.start();
    play.complete(0, 0, 1, 'one');
    play.complete(0, 1, 1, null, 'invalid');
    expect(play.state).toMatchObject({ status: 'failed', error: { detail: 'talk[1]: it failed' } });
    const fork = new Play(play.state.graph);
    const { effects } = fork.tell({ type: 'start', input: {}, depth: 0, kept: keptOf(play.state, []) });
    expect(dispatched(effects)).toEqual(['0.1.1']);
    fork.complete(0, 1, 1, 'two');
    fork.complete(0, 2, 1, 'three');
    expect(fork.state.status).toBe('succeeded');
  });

  test('with onError: continue has failed when a turn has, and the run goes on', () => {
    const after: StepDraft = { key: 'after', needs: ['talk'], kind: 'value', input: ({ steps }) => steps['talk']?.status ?? '' };
    const play = new Play(graphOf([talk({}, { onError: 'continue' }), after]));
    play.start();
    play.complete(0, 0, 1, null, 'invalid');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { after: 'failed' } });
  });

  test('fails when it cannot be said whether it is done', () => {
    const until = (): never => {
      throw new ExpressionError('there is no field done', '/spec/steps/talk/repeat/until');
    };
    const play = new Play(graphOf([talk({ until })]));
    play.start();
    play.complete(0, 0, 1, 'one');
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'invalid' } });
  });

  test('of values takes a thousand turns at once', () => {
    const play = new Play(graphOf([talk({ maxTurns: 1_000 }, { kind: 'value', input: ({ index = 0 }) => index })]));
    play.start();
    expect(play.state).toMatchObject({ status: 'succeeded', units: 1_000 });
    expect(openEffects(play.state)).toEqual([]);
  });
});
