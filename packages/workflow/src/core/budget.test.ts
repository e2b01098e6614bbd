import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dispatched, graphOf, once, Play, type StepDraft } from '../simulation/play.ts';
import { totalOf, type BudgetPolicy, type GivenBudget } from './budget.ts';
import type { Effect } from './events.ts';
import type { Graph } from './graph.ts';
import { restOf } from './rest.ts';
import { openEffects, restore } from './restore.ts';

const stop: BudgetPolicy['onLimit'] = { do: 'stop' };
const items = (count: number) => (): number[] => Array.from({ length: count }, (_, index) => index);

function begun(drafts: StepDraft[], rest: Partial<Graph> = {}, budget?: GivenBudget): { play: Play; effects: Effect[] } {
  const play = new Play(graphOf(drafts, rest));
  const { effects } = play.tell({ type: 'start', input: {}, depth: 0, ...(budget && { budget }) });
  return { play, effects };
}

function end(play: Play, s: number, i: number, tokens: number | undefined, n = 1): Effect[] {
  const usage = tokens === undefined ? {} : { usage: { inputTokens: tokens, outputTokens: 0, costUsd: 0 } };
  return play.tell({ type: 'completed', s, i, n, output: 'done', ...usage }).effects;
}

const accept = (play: Play, s: number, i: number, n = 1): void => void play.tell({ type: 'accepted', s, i, n, instance: 'w' });

describe('items at the same time', () => {
  const each: StepDraft = { key: 'each', items: items(4), most: { tokens: 40 } };

  test('begin as far as what they may use fits, and go on with what others have left', () => {
    const { play, effects } = begun([each], { budget: { limit: { tokens: 100 }, onLimit: stop } });
    expect(dispatched(effects)).toEqual(['0.0.1', '0.1.1']);
    expect(play.state.steps[0]?.units[2]).toMatchObject({ status: 'waiting', short: { of: 'run', wants: { tokens: 20 } } });
    expect(dispatched(end(play, 0, 0, 10))).toEqual(['0.2.1']);
    expect(dispatched(end(play, 0, 1, 5))).toEqual(['0.3.1']);
    end(play, 0, 2, 40);
    end(play, 0, 3, 40);
    expect(play.state).toMatchObject({ status: 'succeeded', budget: { spent: { tokens: 95 }, held: { tokens: 0 } } });
  });

  test('stop where nothing that is under way can make room, and say which budget it was', () => {
    const { play } = begun([each], { budget: { limit: { tokens: 100 }, onLimit: stop } });
    end(play, 0, 0, 40);
    expect(play.state.status).toBe('running');
    end(play, 0, 1, 40);
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'limited',
      error: {
        code: 'limited',
        isFinal: true,
        detail: 'each[2]: budget.tokens of the run: 80 tokens of 100 are used, and this call may use 40 tokens',
      },
    });
  });

  test('an attempt that fell silent counts with all that it could have used; one that nobody accepted with nothing', () => {
    const retry = { ...once, attempts: 3 };
    const { play } = begun([{ key: 'a', most: { tokens: 40 }, retry }], { budget: { limit: { tokens: 100 }, onLimit: stop } });
    play.tell({ type: 'lost', s: 0, i: -1, n: 1, error: { code: 'unavailable', detail: 'gone' } });
    expect(play.state.budget?.spent.tokens).toBe(0);
    play.at += 1_000;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: -1, n: 1 });
    accept(play, 0, -1, 2);
    play.tell({ type: 'lost', s: 0, i: -1, n: 2, error: { code: 'unavailable', detail: 'gone' } });
    expect(play.state.budget).toMatchObject({ spent: { tokens: 40 }, unreported: { tokens: 40 }, held: { tokens: 0 } });
  });

  test('are told once that they wait, and a new owner knows it', () => {
    const { play } = begun([each], { budget: { limit: { tokens: 100 }, onLimit: stop } });
    end(play, 0, 0, 40);
    expect(play.history.filter(({ t }) => t === 'short')).toHaveLength(2);
    const again = restore('run', play.state.graph, play.history);
    expect(again.budget).toEqual(play.state.budget);
    expect(again.short).toBe(2);
    expect(openEffects(again).map(({ e }) => e)).toEqual(['dispatch']);
  });
});

test('a step has a budget of its own, for all its items', () => {
  const each: StepDraft = { key: 'each', items: items(3), most: { tokens: 40 }, onError: 'continue', maxParallel: 1 };
  const { play } = begun([
    { ...each, budget: { limit: { tokens: 50 }, onLimit: stop } },
    { key: 'other', needs: ['each'] },
  ]);
  end(play, 0, 0, 20);
  expect(play.state.steps[0]?.units.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'failed']);
  end(play, 1, -1, undefined);
  expect(play.state.status).toBe('succeeded');
});

test('steps are counted by attempts, and what undoes and tidies up is done for all that', () => {
  const drafts: StepDraft[] = [
    { key: 'a', kind: 'tool' },
    { key: 'b', kind: 'tool', needs: ['a'] },
    { key: 'f', kind: 'tool', part: 'finally' },
  ];
  const { play } = begun(drafts, { budget: { limit: { steps: 1 }, onLimit: stop }, finally: { timeoutMs: 1_000 } });
  expect(dispatched(end(play, 0, -1, undefined))).toEqual(['2.-1.1']);
  end(play, 2, -1, undefined);
  expect(play.state).toMatchObject({
    status: 'failed',
    error: { detail: expect.stringContaining('budget.steps of the run: 1 steps of 1') },
  });
});

test('a call whose most nobody knows is refused, with what is to be declared', () => {
  const { play } = begun([{ key: 'a' }], { budget: { limit: { costUsd: 1 }, onLimit: stop } });
  expect(play.state.error).toMatchObject({ code: 'invalid', next: 'Give usesAtMost.costUsd of the step.' });
});

describe('a child run', () => {
  const child: StepDraft = { key: 'child', kind: 'workflow', target: 'sub', most: { tokens: 60, steps: 4 } };

  test('gets its part at its start and gives back what it did not use', () => {
    const { play, effects } = begun([child, { ...child, key: 'next', needs: ['child'] }], {
      budget: { limit: { tokens: 100, steps: 10 }, depth: 2, onLimit: stop },
    });
    expect(effects).toMatchObject([{ e: 'startChild', budget: { limit: { tokens: 60, steps: 4 }, depth: 1 } }]);
    const spent = { tokens: 15, costUsd: 0, steps: 2 };
    const turn = play.tell({ type: 'childEnded', s: 0, i: -1, child: 'child0', output: 1, spent });
    expect(play.state.budget).toMatchObject({ spent: { tokens: 15, steps: 3 }, held: { tokens: 60, steps: 5 } });
    expect(turn.effects).toMatchObject([{ e: 'startChild', budget: { limit: { tokens: 60, steps: 4 }, depth: 1 } }]);
  });

  test('has the least of what it was given and what its own workflow says', () => {
    const { play } = begun(
      [{ key: 'a', most: { tokens: 10 } }],
      { budget: { limit: { tokens: 30 }, onLimit: { do: 'ask' } } },
      { limit: { tokens: 50, steps: 5 }, depth: 0 },
    );
    expect(play.state.budget).toMatchObject({ limit: { tokens: 30, steps: 5 }, depth: 0, isGiven: true });
  });

  test('is not begun deeper than the budget allows', () => {
    const { play } = begun([child], { budget: { limit: {}, depth: 0, onLimit: stop } });
    expect(play.state.error).toMatchObject({ code: 'limited', detail: expect.stringContaining('budget.depth') });
  });
});

describe('people who may raise a limit', () => {
  const graph = { budget: { limit: { tokens: 50 }, onLimit: { do: 'ask' as const } } };
  const drafts: StepDraft[] = [{ key: 'each', items: items(3), most: { tokens: 40 }, onError: 'continue' }];
  const by = { id: 'user_1', name: 'ann', roles: ['admin'], isStarter: false };

  test('are asked once for all that wait, and what they give is recorded', () => {
    const { play } = begun(drafts, graph);
    end(play, 0, 0, 40);
    const asks = (): number => play.history.filter(({ t }) => t === 'asks').length;
    expect(asks()).toBe(1);
    expect(play.state.steps[0]?.units[1]?.approval?.raise).toEqual({ of: 'run', wants: { tokens: 30 }, more: { tokens: 50 } });
    const turn = play.tell({ type: 'answer', s: 0, i: 1, n: 1, by, approved: true, data: { tokens: 100 }, comment: null });
    expect(dispatched(turn.effects)).toEqual(['0.1.1', '0.2.1']);
    expect(play.state.budget?.limit).toEqual({ tokens: 150 });
    expect(asks()).toBe(1);
  });

  test('give as much again where they do not say how much', () => {
    const { play } = begun(drafts, graph);
    end(play, 0, 0, 40);
    play.tell({ type: 'answer', s: 0, i: 1, n: 1, by, approved: true, data: null, comment: null });
    expect(play.state.budget?.limit).toEqual({ tokens: 100 });
  });

  test('who refuse are not asked again', () => {
    const { play } = begun(drafts, graph);
    end(play, 0, 0, 40);
    play.tell({ type: 'answer', s: 0, i: 1, n: 1, by, approved: false, data: null, comment: 'enough' });
    expect(play.state.steps[0]?.units.map(({ error }) => error?.code)).toEqual([undefined, 'rejected', 'limited']);
    expect(play.state.status).toBe('succeeded');
  });
});

describe('a budget above the run', () => {
  const above = { above: [{ scope: 'workspace', measures: ['tokens' as const], perCall: { tokens: 25 } }] };

  test('is asked for what a call needs, and gives it or not', () => {
    const { play, effects } = begun([{ key: 'a' }, { key: 'b', needs: ['a'] }], {}, above);
    expect(effects).toEqual([{ e: 'wantBudget', scope: 'workspace', wants: { tokens: 25 } }]);
    // Whoever is asked answers a run that is in memory.
    expect(restOf(play.state)).toBeUndefined();
    expect(dispatched(play.tell({ type: 'granted', scope: 'workspace', more: { tokens: 30 } }).effects)).toEqual(['0.-1.1']);
    expect(end(play, 0, -1, 10)).toContainEqual({ e: 'wantBudget', scope: 'workspace', wants: { tokens: 5 } });
    play.tell({ type: 'denied', scope: 'workspace', error: { code: 'limited', isFinal: true, detail: 'no more' } });
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'limited', detail: 'b: no more' } });
  });

  test('refuses a call only once nothing of its run that is under way can make room', () => {
    const { play } = begun([{ key: 'each', items: items(3) }], {}, above);
    play.tell({ type: 'granted', scope: 'workspace', more: { tokens: 50 } });
    const denied = { type: 'denied', scope: 'workspace', error: { code: 'limited', isFinal: true, detail: 'no more' } } as const;
    play.tell(denied);
    expect(play.state.status).toBe('running');
    expect(dispatched(end(play, 0, 0, 0))).toEqual(['0.2.1']);
    end(play, 0, 1, 10);
    end(play, 0, 2, 10);
    expect(play.state).toMatchObject({ status: 'succeeded', budget: { spent: { tokens: 20 }, unreported: { tokens: 0 } } });
  });
});

test('whatever comes in whatever order, what is spent and set aside is never over the limit', () => {
  const event = fc.record({
    i: fc.nat(5),
    kind: fc.constantFrom('accept', 'end', 'end', 'lost', 'fail', 'wake', 'silent'),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const setup = fc.record({
    limit: fc.record({ tokens: fc.integer({ min: 1, max: 300 }), steps: fc.integer({ min: 1, max: 12 }) }),
    own: fc.integer({ min: 1, max: 300 }),
    most: fc.integer({ min: 1, max: 80 }),
    events: fc.array(event, { maxLength: 60 }),
  });
  fc.assert(
    fc.property(setup, ({ limit, own, most, events }) => {
      const retry = { ...once, attempts: 4 };
      const draft: StepDraft = { key: 'each', items: items(6), most: { tokens: most }, retry, onError: 'continue' };
      const { play } = begun([{ ...draft, budget: { limit: { tokens: own }, onLimit: stop } }], { budget: { limit, onLimit: stop } });
      let used = 0;
      for (const { i, kind, share } of events) {
        const unit = play.state.steps[0]?.units[i];
        if (unit === undefined) break;
        const ref = { s: 0, i, n: unit.attempt };
        const tokens = Math.floor(most * share);
        const isRunning = unit.status === 'running';
        play.at += 200;
        if (kind === 'accept') play.tell({ type: 'accepted', instance: 'w', ...ref });
        if (kind === 'wake') play.tell({ type: 'due', timer: 'wake', ...ref });
        if (isRunning && ['end', 'lost', 'fail', 'silent'].includes(kind)) {
          used += tokens;
          const error = { code: 'unavailable', detail: 'it failed' };
          const usage = { inputTokens: tokens, outputTokens: 0, costUsd: 0 };
          if (kind === 'end') play.tell({ type: 'completed', ...ref, output: 1, usage });
          else if (kind === 'silent') play.tell({ type: 'completed', ...ref, output: 1 });
          else if (kind === 'fail') play.tell({ type: 'completed', ...ref, error, usage });
          else play.tell({ type: 'lost', ...ref, error });
        }
        for (const account of [play.state.budget, play.state.steps[0]?.budget]) {
          if (account === undefined) throw new Error('it has no budget');
          const total = totalOf(account);
          expect(total.tokens).toBeLessThanOrEqual(account.limit.tokens ?? 0);
          expect(total.steps).toBeLessThanOrEqual(account.limit.steps ?? Infinity);
          expect(used).toBeLessThanOrEqual(total.tokens);
          expect(Math.min(account.held.tokens, account.held.steps)).toBeGreaterThanOrEqual(0);
        }
      }
      expect(restore('run', play.state.graph, play.history).budget).toEqual(play.state.budget);
    }),
    { numRuns: 500 },
  );
});
