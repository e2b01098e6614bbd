import { describe, expect, test } from '@jest/globals';
import type { Transition } from './events.ts';
import { handoverOf, named } from './failover.ts';
import { openEffects, restore } from './restore.ts';
import type { RunState } from './state.ts';
import { dispatched, graphOf, once, Play, type StepDraft } from '../simulation/play.ts';

const step: StepDraft = { key: 'a', failover: { to: ['b', 'c'], afterMs: 100 } };
const away = { code: 'unavailable', detail: 'no worker of a is connected' };

function begun(draft: Partial<StepDraft> = {}): Play {
  const play = new Play(graphOf([{ ...step, ...draft }]));
  play.start();
  return play;
}

function unit({ steps }: RunState): RunState['steps'][number]['units'][number] {
  return steps[0]?.units[0] as RunState['steps'][number]['units'][number];
}

describe('failover', () => {
  test('when its attempts are used up, another agent goes on with the next attempt and attempts of its own', () => {
    const play = begun();
    const turn = play.complete(0, -1, 1, null, 'unavailable');
    expect(turn.effects).toContainEqual({ e: 'seek', s: 0, i: -1, n: 1 });
    expect(dispatched(turn.effects)).toEqual([]);
    expect(named(play.state, 0, -1)).toEqual(['b', 'c']);
    const moved = play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'b' });
    expect(dispatched(moved.effects)).toEqual(['0.-1.2']);
    expect(unit(play.state)).toMatchObject({ agent: 'b', attempt: 2, base: 1, status: 'queued' });
    expect(play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'c' }).outcome).toBe('stale');
    expect(play.complete(0, -1, 2, 'done').outcome).toBe('taken');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { a: 'done' } });
  });

  test('where no agent is left the step fails with what the last one said', () => {
    const play = begun();
    play.complete(0, -1, 1, null, 'unavailable');
    play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'b' });
    play.complete(0, -1, 2, null, 'unavailable');
    expect(named(play.state, 0, -1)).toEqual(['c']);
    play.tell({ type: 'moved', s: 0, i: -1, n: 2, agent: 'c' });
    const last = play.complete(0, -1, 3, null, 'unavailable');
    expect(last.effects).not.toContainEqual(expect.objectContaining({ e: 'seek' }));
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'unavailable' } });
  });

  test('an answer of none fails it, and the same report of its last attempt is known', () => {
    const play = begun({ failover: { afterMs: 100 } });
    play.complete(0, -1, 1, null, 'internal');
    expect(named(play.state, 0, -1)).toBeUndefined();
    play.tell({ type: 'moved', s: 0, i: -1, n: 1 });
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'internal' } });
    expect(play.complete(0, -1, 1, null, 'internal').outcome).toBe('known');
  });

  test('what is wrong with the task is wrong with every agent', () => {
    const play = begun();
    play.complete(0, -1, 1, null, 'invalid');
    expect(play.state.status).toBe('failed');
  });

  test('an attempt that nobody could begin moves, and its executor comes too late', () => {
    const play = begun();
    const moved = play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'b', error: away });
    expect(moved.effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 0, i: -1, n: 1 });
    expect(dispatched(moved.effects)).toEqual(['0.-1.2']);
    expect(play.tell({ type: 'accepted', instance: 'late', s: 0, i: -1, n: 1 }).outcome).toBe('stale');
    expect(play.complete(0, -1, 1, 'late').outcome).toBe('stale');
    // Nothing was wrong with the first: it may have it back.
    expect(named(play.state, 0, -1)).toEqual(['a', 'c']);
  });

  test('an attempt that is under way does not move', () => {
    const play = begun();
    play.tell({ type: 'accepted', instance: 'w', s: 0, i: -1, n: 1 });
    expect(play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'b', error: away }).outcome).toBe('stale');
  });

  test('nobody but who is named or has not been used up takes over, and not for ever', () => {
    const play = begun();
    expect(play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'z', error: away }).outcome).toBe('stale');
    expect(play.tell({ type: 'moved', s: 0, i: -1, n: 1, agent: 'a', error: away }).outcome).toBe('stale');
    let moves = 0;
    while (play.tell({ type: 'moved', s: 0, i: -1, n: moves + 1, agent: moves % 2 ? 'a' : 'b', error: away }).outcome === 'taken') moves++;
    expect(moves).toBe(20);
  });

  test('what an executor said is handed over, the last of it, and the journal alone tells it', () => {
    const play = begun({ retry: { ...once, attempts: 2 } });
    expect(play.tell({ type: 'told', s: 0, i: -1, n: 1, message: 'too early' }).outcome).toBe('stale');
    play.tell({ type: 'accepted', instance: 'w', s: 0, i: -1, n: 1 });
    for (let page = 1; page <= 12; page++)
      play.tell({ type: 'told', s: 0, i: -1, n: 1, message: `page ${page}`, ...(page === 3 && { partial: { pages: 3 } }) });
    play.tell({ type: 'lost', s: 0, i: -1, n: 1, error: away });
    expect(handoverOf(play.state, 0, -1)).toBeUndefined();
    play.at += 1_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    play.tell({ type: 'moved', s: 0, i: -1, n: 2, agent: 'b', error: away });
    const handover = handoverOf(play.state, 0, -1);
    expect(handover?.attempts).toMatchObject([
      { number: 1, agent: 'a', code: 'unavailable', partial: { pages: 3 } },
      { number: 2, agent: 'a', startedAt: null, messages: [] },
    ]);
    expect(handover?.attempts[0]?.messages.map(({ message }) => message)).toEqual(
      Array.from({ length: 10 }, (_, index) => `page ${index + 3}`),
    );
    const again = restore('run', play.state.graph, JSON.parse(JSON.stringify(play.history)) as Transition[]);
    expect(handoverOf(again, 0, -1)).toEqual(handover);
  });

  test('a new owner looks again for who goes on', () => {
    const play = begun();
    play.complete(0, -1, 1, null, 'unavailable');
    expect(openEffects(restore('run', play.state.graph, play.history))).toEqual([{ e: 'seek', s: 0, i: -1, n: 1 }]);
  });
});
