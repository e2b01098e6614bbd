import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dispatched, graphOf, Play, type StepDraft } from '../simulation/play.ts';
import { recordedAnswers, recordedBytesMax, type Recorded } from './counterfactual.ts';
import type { Effect } from './events.ts';
import type { Graph } from './graph.ts';
import { isSameJson, type Json } from './json.ts';
import { openEffects, restore } from './restore.ts';
import { workOf } from './scope.ts';
import { incompatibilities } from './upgrade.ts';

const said =
  (key: string) =>
  ({ steps }: { steps: Record<string, { output: Json }> }): Json =>
    steps[key]?.output ?? null;

const ann = { id: 'u', name: 'ann', roles: ['admin'], isStarter: false };
const used = { inputTokens: 20, outputTokens: 5, costUsd: 0 };
const most = { tokens: 1 };
const steps: StepDraft[] = [
  { key: 'read', kind: 'tool', target: 'files/read', input: ({ run }) => run.id },
  { key: 'ask', target: 'sorter', most, needs: ['read'], input: said('read'), fallback: 'other', onCrash: 'ask' },
  { key: 'short', kind: 'value', needs: ['ask'], input: ({ steps: all }) => (all['ask']?.output as string).slice(0, 1) },
  { key: 'note', kind: 'workflow', target: 'noting', most, needs: ['short'], input: said('short') },
  {
    key: 'each',
    needs: ['note'],
    most,
    target: 'writer',
    items: () => [1, 2],
    input: ({ item = null, steps: all }) => [item, all['short']?.output ?? null],
  },
  {
    key: 'sure',
    kind: 'approval',
    needs: ['each'],
    input: () => ({ approval: { message: 'Go on?' } }),
    approval: { onDeadline: 'fail', onReject: 'fail' },
  },
  { key: 'wait', kind: 'wait', needs: ['sure'], input: () => 60_000 },
  { key: 'keep', kind: 'state', needs: ['wait'], input: () => ({ put: 'key' }) },
  { key: 'ask.undo', kind: 'tool', target: 'files/delete', part: 'undo', undoes: 1 },
  { key: 'tidy', kind: 'tool', target: 'files/tidy', part: 'finally' },
];
const graph = graphOf(steps, {
  output: ({ steps: all }) => ({ said: all['ask']?.output ?? null, kept: all['keep']?.output ?? null }),
  undo: { on: ['failed'], timeoutMs: 1_000 },
  finally: { timeoutMs: 1_000 },
  budget: { limit: { tokens: 20 }, onLimit: { do: 'ask' } },
});

/** The run as it was, with all that it did outside. */
function first(): Play {
  const play = new Play(graph);
  play.start('in');
  play.complete(0, -1, 1, 'text');
  play.complete(1, -1, 1, 'billing');
  play.tell({ type: 'childEnded', s: 3, i: -1, child: play.state.steps[3]?.units[0]?.child as string, output: 'noted' });
  play.complete(4, 1, 1, 'two');
  play.complete(4, 0, 1, 'one');
  play.tell({
    type: 'answer',
    s: 5,
    i: -1,
    n: 1,
    by: ann,
    approved: true,
    data: null,
    comment: null,
  });
  play.at += 60_000;
  play.tell({ type: 'due', timer: 'wake', s: 6, i: -1, n: 1 });
  play.complete(7, -1, 1, { version: 3 });
  play.complete(9, -1, 1, 'tidied');
  expect(play.state).toMatchObject({ status: 'succeeded', output: { said: 'billing', kept: { version: 3 } } });
  return play;
}

function recordedOf({ state }: Play, agent = 'sorter', more: Partial<Recorded> = {}): Recorded {
  return { run: { ...state.scope.run }, agent, version: 7, answers: recordedAnswers(state, agent) ?? [], ...more };
}

function again(recorded: Recorded, of: Graph = graph): { play: Play; effects: Effect[] } {
  const play = new Play(of);
  Object.assign(play.state.scope.run, { id: 'another' });
  play.at = 9_000_000;
  return { play, effects: play.tell({ type: 'start', input: 'in', depth: 1, recorded }).effects };
}

test('JSON is the same whatever the order of its keys, and nothing else is', () => {
  const shuffled = (value: Json): Json => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(shuffled);
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, each]): [string, Json] => [key, shuffled(each)])
        .toReversed(),
    );
  };
  const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);
  fc.assert(fc.property(json, (value) => isSameJson(value, shuffled(value))));
  fc.assert(fc.property(json, json, (one, other) => isSameJson(one, other) === isDeepStrictEqual(one, other)));
  expect(isSameJson({ 0: 1 }, [1])).toBe(false);
  let [deep, same]: [Json, Json] = [1, 1];
  for (let depth = 0; depth < 50_000; depth++) [deep, same] = [[deep], [same]];
  expect(isSameJson(deep, same)).toBe(true);
});

describe('a run that goes by a recorded one', () => {
  test('asks its agent alone, by that version, and nobody anything else', () => {
    const recorded = recordedOf(first());
    expect(recorded.answers.map(({ key }) => key)).toEqual(['read', 'note', 'each[0]', 'each[1]', 'sure', 'wait', 'keep']);
    const { play, effects } = again(recorded);
    // What it is asked is what it was asked, the run's own name in it too.
    expect(effects).toEqual([{ e: 'dispatch', s: 1, i: -1, n: 1, input: 'text' }]);
    expect(workOf(play.state, 1, -1)).toEqual({ kind: 'agent', target: 'sorter', version: 7 });
    const more = play.complete(1, -1, 1, 'bills').effects;
    expect(more).toEqual([{ e: 'attemptEnded', isCancelled: false, s: 1, i: -1, n: 1 }, { e: 'ended' }]);
    expect(play.state).toMatchObject({ status: 'succeeded', output: { said: 'bills', kept: { version: 3 } } });
    expect(play.history.every(({ t }) => !['asks', 'waits', 'child', 'entered'].includes(t))).toBe(true);
    // Nor is it undone when it fails, or handed to another agent.
    const failed = again(recorded).play;
    expect(dispatched(failed.complete(1, -1, 1, null, 'internal').effects)).toEqual([]);
    expect(failed.state).toMatchObject({ status: 'failed', error: { code: 'internal' } });
  });

  test('ends where it goes another way, unless answers are given by the step alone', () => {
    const recorded = recordedOf(first());
    const { play } = again(recorded);
    play.complete(1, -1, 1, 'refunds');
    expect(play.state).toMatchObject({
      ...{ status: 'failed', reason: 'diverged' },
      error: { code: 'conflict', isFinal: true, detail: 'note asks what the recorded run did not ask there' },
    });
    const reused = again({ ...recorded, isReused: true }).play;
    reused.complete(1, -1, 1, 'refunds');
    expect(reused.state).toMatchObject({ status: 'succeeded', output: { said: 'refunds', kept: { version: 3 } } });
    const without = recorded.answers.filter(({ key }) => key !== 'each[1]');
    const none = again({ ...recorded, answers: without, isReused: true }).play;
    none.complete(1, -1, 1, 'billing');
    expect(none.state).toMatchObject({ reason: 'diverged', error: { detail: expect.stringContaining('each[1] asks') } });
  });

  test('of an agent with items puts each of them, and what was recorded as failed fails again', () => {
    const items: StepDraft[] = [
      { key: 'list', kind: 'tool', target: 'files/list', onError: 'continue' },
      { key: 'each', target: 'sorter', needs: ['list'], items: () => [1, 2, 3], input: ({ item = null }) => item, maxParallel: 2 },
      { key: 'after', kind: 'tool', target: 'files/write', needs: ['each'], input: said('each') },
    ];
    const fanned = graphOf(items);
    const play = new Play(fanned);
    play.start();
    play.complete(0, -1, 1, null, 'internal');
    for (const i of [1, 0, 2]) play.complete(1, i, 1, i);
    play.complete(2, -1, 1, 'written');
    const { play: fork, effects } = again(recordedOf(play), fanned);
    expect(dispatched(effects)).toEqual(['1.0.1', '1.1.1']);
    // Whoever owns it next goes on from its journal alone.
    fork.complete(1, 0, 1, 0);
    const restored = restore('run', fanned, fork.history);
    expect(restored.counterfactual).toMatchObject({ agent: 'sorter', version: 7 });
    expect(dispatched(openEffects(restored))).toEqual(['1.1.1', '1.2.1']);
    fork.complete(1, 1, 1, 1);
    fork.complete(1, 2, 1, 2);
    expect(fork.state).toMatchObject({ status: 'succeeded', output: { list: null, each: [0, 1, 2], after: 'written' } });
  });

  test('of a model that calls the agent answers as the model did, asks nobody whether it may, and follows another answer no further', () => {
    const tools = [{ agent: 'sorter' }];
    const limits = { turns: 5, tokens: 1_000, timeMs: 100_000 };
    const llm = { tools, approve: tools, maxTokens: 100, limits };
    const talks = graphOf([{ key: 'talk', kind: 'llm', target: 'large', input: () => ({ prompt: 'Sort it.' }), llm }]);
    const toolCalls = [{ id: 'c1', name: 'sorter', arguments: '{"text":"a"}', target: { agent: 'sorter' } }];
    const play = new Play(talks);
    play.start();
    play.tell({ type: 'completed', s: 0, i: 0, n: 1, output: { text: '', toolCalls, finishReason: 'tool_calls' }, usage: used });
    play.tell({ type: 'answer', s: 0, i: 1, n: 1, by: ann, approved: true, data: null, comment: null });
    play.complete(0, 1, 1, 'billing');
    play.complete(0, 2, 1, { text: 'Done.', toolCalls: [], finishReason: 'stop' });
    expect(play.state).toMatchObject({ status: 'succeeded', output: { talk: { text: 'Done.' } } });
    const { play: fork, effects } = again(recordedOf(play), talks);
    expect(dispatched(effects)).toEqual(['0.1.1']);
    expect(workOf(fork.state, 0, 1)).toEqual({ kind: 'agent', target: 'sorter', version: 7 });
    fork.complete(0, 1, 1, 'billing');
    expect(fork.state).toMatchObject({ status: 'succeeded', output: { talk: { text: 'Done.' } } });
    const other = again(recordedOf(play), talks).play;
    other.complete(0, 1, 1, 'refunds');
    expect(other.state).toMatchObject({ status: 'failed', reason: 'diverged', error: { detail: expect.stringContaining('talk[2] asks') } });
  });

  test('is not made of one that asked the agent nothing, or of one that is too large, and goes over to no other definition', () => {
    const { state } = first();
    expect(recordedAnswers(state, 'stranger')).toBeUndefined();
    expect(recordedAnswers(state, 'sorter', 'a-skill')).toHaveLength(7);
    const large = first();
    (large.state.steps[0]?.units[0] as { output: Json }).output = 'x'.repeat(recordedBytesMax);
    expect(recordedAnswers(large.state, 'sorter')).toBeUndefined();
    const { play } = again(recordedOf(first()));
    expect(incompatibilities(play.state, { ...graph, hash: 'other' })).toEqual([{ step: null, because: 'it goes by a recorded run' }]);
  });
});
