import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { graphOf, Play, dispatched, type StepDraft } from '../simulation/play.ts';
import { decide } from './decide.ts';
import type { Effect, RunEvent, Transition } from './events.ts';
import { keptOf } from './fork.ts';
import { agentsOf } from './graph.ts';
import type { Json } from './json.ts';
import type { LlmPolicy } from './llm.ts';
import { problemOf, progressOf } from './progress.ts';
import { openEffects, restore } from './restore.ts';
import { workOf } from './scope.ts';
import { newRun, type RunState } from './state.ts';
import type { Turn } from './turn.ts';

const limits = { turns: 5, tokens: 1_000, timeMs: 60_000 };

/** An `llm` step, and one that needs it. */
function research(policy: Partial<LlmPolicy> = {}, more: Partial<StepDraft> = {}): ReturnType<typeof graphOf> {
  const llm: LlmPolicy = { tools: [{ tool: 'files/read' }, { tool: 'web/*' }, { agent: 'reader', skill: 'sum' }], limits, ...policy };
  return graphOf([
    {
      key: 'research',
      kind: 'llm',
      target: 'm-1',
      maxParallel: 8,
      llm,
      input: ({ input }) => ({ instructions: 'Be brief.', prompt: input }),
      retry: { attempts: 2, initialMs: 10, factor: 2, maxMs: 100 },
      ...more,
    },
    { key: 'after', kind: 'value', needs: ['research'], input: ({ steps }) => steps['research'] as unknown as Json },
  ]);
}

type Call = [name: string, args: string, target?: object];
const calling = (...calls: Call[]): Json => ({
  text: '',
  finishReason: 'tool_calls',
  model: 'm-1',
  toolCalls: calls.map(([name, args, target], index) => ({ id: `c${index}`, name, arguments: args, ...(target && { target }) })) as Json[],
});
const read = (path: string): Call => ['files__read', JSON.stringify({ path }), { tool: 'files/read' }];
const saying = (text: string, finishReason = 'stop'): Json => ({ text, toolCalls: [], finishReason, model: 'm-1' });

const inputsOf = (effects: Effect[]): Json[] => effects.flatMap((effect) => (effect.e === 'dispatch' ? [effect.input] : []));
const messagesOf = (effects: Effect[]): { role: string; content: Json }[] => (inputsOf(effects)[0] as { messages: never }).messages;
const used = (inputTokens: number, costUsd = 0) => ({ inputTokens, outputTokens: 0, costUsd });

function begun(policy: Partial<LlmPolicy> = {}, more: Partial<StepDraft> = {}): Play {
  const play = new Play(research(policy, more));
  play.start('How far?');
  return play;
}

describe('the loop', () => {
  test('asks the model, makes its calls side by side, and asks again with what they gave', () => {
    const play = new Play(research());
    const first = play.start('How far?');
    expect(dispatched(first)).toEqual(['0.0.1']);
    expect(inputsOf(first)).toEqual([
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'How far?' },
        ],
        tools: [{ tool: 'files/read' }, { tool: 'web/*' }, { agent: 'reader', skill: 'sum' }],
      },
    ]);
    const sum: Call = ['agent_reader__sum', '{"input":"x"}', { agent: 'reader', skill: 'sum' }];
    const { effects } = play.complete(0, 0, 1, calling(read('a'), ['web__get', '', { tool: 'web/get' }], sum));
    expect(dispatched(effects)).toEqual(['0.1.1', '0.2.1', '0.3.1']);
    expect(inputsOf(effects)).toEqual([{ path: 'a' }, {}, { input: 'x' }]);
    expect([0, 1, 2, 3].map((i) => workOf(play.state, 0, i))).toEqual([
      { kind: 'model', target: 'm-1' },
      { kind: 'tool', target: 'files/read' },
      { kind: 'tool', target: 'web/get' },
      { kind: 'agent', target: 'reader', skill: 'sum' },
    ]);
    play.complete(0, 2, 1, { n: 2 });
    play.complete(0, 3, 1, 'three');
    const next = play.complete(0, 1, 1, { text: 'one' }).effects;
    expect(dispatched(next)).toEqual(['0.4.1']);
    expect(messagesOf(next).slice(2)).toEqual([
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'c0', type: 'function', function: { name: 'files__read', arguments: '{"path":"a"}' } },
          { id: 'c1', type: 'function', function: { name: 'web__get', arguments: '' } },
          { id: 'c2', type: 'function', function: { name: 'agent_reader__sum', arguments: '{"input":"x"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c0', content: 'one' },
      { role: 'tool', tool_call_id: 'c1', content: '{"n":2}' },
      { role: 'tool', tool_call_id: 'c2', content: 'three' },
    ]);
    play.complete(0, 4, 1, saying('Far.'));
    expect(play.state.status).toBe('succeeded');
    expect(play.state.output).toMatchObject({ research: { text: 'Far.' }, after: { status: 'succeeded', errors: [] } });
  });

  test('its agents are those that its model may call, not the models', () => {
    expect(agentsOf(research({}, { fallback: 'm-2' }))).toEqual(['reader']);
  });

  test('makes no more calls at once than it may', () => {
    const play = begun({}, { maxParallel: 2 });
    expect(dispatched(play.complete(0, 0, 1, calling(read('a'), read('b'), read('c'))).effects)).toEqual(['0.1.1', '0.2.1']);
    expect(dispatched(play.complete(0, 1, 1, 'a').effects)).toEqual(['0.3.1']);
  });

  test('tells the model of what fails for good, after what passes was tried again', () => {
    const play = begun();
    play.complete(0, 0, 1, calling(read('a'), read('b')));
    play.complete(0, 1, 1, null, 'invalid');
    expect(play.state.status).toBe('running');
    play.complete(0, 2, 1, null, 'unavailable');
    play.at += 100;
    expect(dispatched(play.tell({ type: 'due', timer: 'wake', s: 0, i: 2, n: 1 }).effects)).toEqual(['0.2.2']);
    const { effects } = play.complete(0, 2, 2, null, 'unavailable');
    expect(messagesOf(effects).slice(-2)).toEqual([
      { role: 'tool', tool_call_id: 'c0', content: 'Error: it failed' },
      { role: 'tool', tool_call_id: 'c1', content: 'Error: it failed' },
    ]);
    play.complete(0, 3, 1, saying('I cannot.'));
    expect(play.state.status).toBe('succeeded');
    expect(play.state.scope.steps['research']?.errors).toEqual([]);
    expect(progressOf(play.state)).toMatchObject({ total: 5, done: 5, failed: 0 });
    expect(problemOf(play.state)).toEqual({});
  });

  test('tells the model of tools that it invents, that it was not offered, and of arguments that are none', () => {
    const play = begun();
    const calls: Call[] = [
      ['files__delete', '{}'],
      ['shell__run', '{}', { tool: 'shell/run' }],
      ['agent_reader__sing', '{}', { agent: 'reader', skill: 'sing' }],
      ['files__read', '{"broken', { tool: 'files/read' }],
      ['files__read', '[1]', { tool: 'files/read' }],
    ];
    const { effects } = play.complete(0, 0, 1, calling(...calls));
    expect(dispatched(effects)).toEqual(['0.6.1']);
    expect(
      messagesOf(effects)
        .slice(3)
        .map(({ content }) => content),
    ).toEqual([
      'Error: there is no tool files__delete. What can be called: files/read, web/*, reader.',
      expect.stringContaining('no tool shell__run'),
      expect.stringContaining('no tool agent_reader__sing'),
      'Error: the arguments are not JSON. Give the arguments by name.',
      'Error: the arguments are no JSON object. Give the arguments by name.',
    ]);
  });

  test('cuts for the model what a tool gives too much of', () => {
    const play = begun();
    play.complete(0, 0, 1, calling(read('a')));
    const { effects } = play.complete(0, 1, 1, { text: 'x'.repeat(100_000) });
    expect(messagesOf(effects).at(-1)?.content).toMatch(/x\n\[cut: 36000 characters more\]$/);
  });

  test('tries a model again, then its fallback, then fails', () => {
    const play = begun({}, { fallback: 'm-2' });
    play.complete(0, 0, 1, null, 'unavailable');
    play.tell({ type: 'due', timer: 'wake', s: 0, i: 0, n: 1 });
    play.at += 100;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: 0, n: 1 });
    expect(dispatched(play.complete(0, 0, 2, null, 'unavailable').effects)).toEqual(['0.0.3']);
    expect(workOf(play.state, 0, 0)).toMatchObject({ kind: 'model', target: 'm-2' });
    play.complete(0, 0, 3, null, 'invalid');
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'invalid', detail: 'research[0]: it failed' } });
  });

  test('a call of the model has no fallback: that is another model', () => {
    const play = begun({}, { fallback: 'm-2', retry: { attempts: 1, initialMs: 1, factor: 1, maxMs: 1 } });
    play.complete(0, 0, 1, calling(read('a')));
    expect(dispatched(play.complete(0, 1, 1, null, 'unavailable').effects)).toEqual(['0.2.1']);
    expect(workOf(play.state, 0, 1).target).toBe('files/read');
  });

  test('goes on from messages, and says what is wrong where there are none', () => {
    const messages = [{ role: 'user', content: 'a' }];
    const play = new Play(research({}, { input: () => ({ messages }) }));
    expect(messagesOf(play.start())).toEqual(messages);
    const none = begun({}, { input: () => ({ messages: 5 }) });
    expect(none.state.error).toMatchObject({ code: 'invalid', detail: expect.stringContaining('/spec/steps/research/llm/messages') });
  });
});

describe('an answer by a schema', () => {
  const output: LlmPolicy['output'] = {
    schema: { type: 'number' },
    check: (value) => (typeof value === 'number' ? undefined : 'it must be a number'),
  };

  test('is the output as JSON, also from a code fence', () => {
    const play = begun({ output });
    play.complete(0, 0, 1, saying('```json\n7\n```'));
    expect(play.state.output).toMatchObject({ research: 7 });
  });

  test('is asked for again where it is wrong, twice at most', () => {
    const play = begun({ output });
    expect(messagesOf(play.complete(0, 0, 1, saying('seven')).effects).slice(-2)).toEqual([
      { role: 'assistant', content: 'seven' },
      { role: 'user', content: expect.stringContaining('it is not JSON') },
    ]);
    expect(messagesOf(play.complete(0, 1, 1, saying('"7"')).effects).at(-1)?.content).toContain('it must be a number');
    const repaired = restore('run', play.state.graph, play.history);
    decide(repaired, { type: 'completed', s: 0, i: 2, n: 1, output: saying('7') }, play.given());
    expect(repaired).toMatchObject({ status: 'succeeded', output: { research: 7 } });
    play.complete(0, 2, 1, saying('still not'));
    expect(play.state).toMatchObject({ status: 'failed', error: { code: 'invalid', detail: expect.stringContaining('3 times in a row') } });
  });
});

describe('ends with an error that says which limit', () => {
  test('turns', () => {
    const play = begun({ limits: { ...limits, turns: 2 } });
    play.complete(0, 0, 1, calling(read('a')));
    play.complete(0, 1, 1, 'a');
    // Nobody would hear of what these calls give.
    const { effects } = play.complete(0, 2, 1, calling(read('b')));
    expect(dispatched(effects)).toEqual([]);
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'limited',
      error: { code: 'limited', detail: expect.stringContaining('limits.turns') },
    });
  });

  test.each([
    ['limits.tokens', { ...limits, tokens: 100 }, used(100)],
    ['limits.costUsd', { ...limits, costUsd: 0.5 }, used(1, 0.5)],
  ])('%s', (name, own, usage) => {
    const play = begun({ limits: own });
    play.tell({ type: 'completed', s: 0, i: 0, n: 1, output: calling(read('a')), usage });
    expect(play.state).toMatchObject({ status: 'failed', reason: 'limited', error: { detail: expect.stringContaining(name) } });
    expect(play.state.steps[0]?.units[0]?.usage).toEqual(usage);
  });

  test('usage of failed attempts counts, and what is left bounds a turn', () => {
    const play = begun({ maxTokens: 500, limits: { ...limits, tokens: 1_000 } });
    play.tell({ type: 'completed', s: 0, i: 0, n: 1, error: { code: 'unavailable', detail: 'x' }, usage: used(100) });
    play.at += 100;
    play.tell({ type: 'due', timer: 'wake', s: 0, i: 0, n: 1 });
    play.tell({ type: 'completed', s: 0, i: 0, n: 2, output: calling(read('a')), usage: used(200) });
    // Of 1,000 tokens 300 are used; the next turn is asked all that again and what the tool gave: at most so many bytes.
    const told = JSON.stringify({ role: 'tool', tool_call_id: 'call_0_0', content: 'a' }).length;
    const [{ maxTokens }] = inputsOf(play.complete(0, 1, 1, 'a').effects) as [{ maxTokens: number }];
    expect(maxTokens).toBeGreaterThan(380 - told - 20);
    expect(maxTokens).toBeLessThan(400);
  });

  test('with maxTokens a turn that could pass the limit is not made', () => {
    const play = begun({ maxTokens: 500, limits: { ...limits, tokens: 450 } });
    play.complete(0, 0, 1, calling(read('a')));
    play.state.steps[0]!.units[0]!.usage = used(200);
    play.complete(0, 1, 1, 'a');
    expect(play.state.error?.code).toBe('limited');
    expect(play.state.error?.detail).toContain('limits.tokens: 200 of 450 tokens are used, and what the next turn is asked may be');
  });

  test('time, and cancels what is under way', () => {
    const play = begun();
    const timers = play.complete(0, 0, 1, calling(read('a'), read('b'))).effects.filter(({ e }) => e === 'wakeAt');
    expect(timers).toMatchObject([
      { timer: 'total', i: 1, due: 61_000 },
      { timer: 'total', i: 2, due: 61_000 },
    ]);
    play.at = 61_000;
    const { effects } = play.tell({ type: 'due', timer: 'total', s: 0, i: 1, n: 1 });
    expect(effects).toContainEqual({ e: 'attemptEnded', isCancelled: true, s: 0, i: 2, n: 1 });
    expect(play.state).toMatchObject({ status: 'failed', reason: 'timeout', error: { detail: expect.stringContaining('limits.time') } });
  });

  test('the size of the conversation', () => {
    const play = begun({ limits: { ...limits, turns: 50 } });
    for (let turn = 0; play.state.status === 'running'; turn += 2) {
      play.complete(0, turn, 1, calling(read(String(turn))));
      play.complete(0, turn + 1, 1, { text: String(turn).padEnd(60_000, 'x') });
    }
    expect(play.state.error).toMatchObject({ code: 'limited', detail: expect.stringContaining('the conversation is larger') });
  });

  test('a cut answer, and one that the provider refused', () => {
    for (const [reason, code] of [
      ['length', 'limited'],
      ['content_filter', 'invalid'],
    ] as const) {
      const play = begun();
      play.complete(0, 0, 1, saying('half', reason));
      expect(play.state).toMatchObject({ status: 'failed', error: { code } });
      expect(play.state.steps[0]?.units).toHaveLength(1);
    }
  });
});

test('what a person gives in the place of a lost turn is its answer, whatever that is', () => {
  for (const output of [
    'Because.',
    { text: 'x', toolCalls: [1] },
    { text: 'x', toolCalls: [{ id: '', name: 'n', arguments: '{}', target: 5 }] },
    null,
  ] as Json[]) {
    const play = begun({}, { onCrash: 'ask' });
    play.tell({ type: 'accepted', instance: 'x', s: 0, i: 0, n: 1 });
    play.tell({ type: 'lost', s: 0, i: 0, n: 1, error: { code: 'unavailable', detail: 'gone' } });
    play.tell({ type: 'resolve', id: 'r', by: 'ann', s: 0, i: 0, how: 'output', output });
    const text = typeof output === 'string' ? output : JSON.stringify(output);
    expect(play.state).toMatchObject({ status: 'succeeded', output: { research: { text } } });
  }
});

describe('no progress', () => {
  test('the same calls with the same results, three times in a row', () => {
    const play = begun();
    for (const turn of [0, 2, 4]) {
      expect(play.state.status).toBe('running');
      play.complete(0, turn, 1, calling(read('a')));
      play.complete(0, turn + 1, 1, 'a');
    }
    expect(play.state).toMatchObject({
      status: 'failed',
      reason: 'limited',
      error: { detail: expect.stringContaining('no progress: the model called files__read 3 times in a row') },
    });
  });

  test('another result, or another call between, is progress', () => {
    const play = begun({ limits: { ...limits, turns: 10 } });
    [
      ['a', 'one'],
      ['a', 'one'],
      ['a', 'two'],
      ['b', 'one'],
      ['a', 'one'],
      ['a', 'one'],
    ].forEach(([path, result], turn) => {
      play.complete(0, turn * 2, 1, calling(read(path as string)));
      play.complete(0, turn * 2 + 1, 1, result as string);
    });
    expect(play.state.status).toBe('running');
  });

  test('an empty answer is asked for again once', () => {
    const play = begun();
    expect(messagesOf(play.complete(0, 0, 1, saying(' \n')).effects).at(-1)).toEqual({
      role: 'user',
      content: expect.stringContaining('empty'),
    });
    play.complete(0, 1, 1, saying(''));
    expect(play.state.error).toMatchObject({ code: 'limited', detail: expect.stringContaining('nothing twice in a row') });
  });
});

describe('its failure', () => {
  test('is one error of the step where the run goes on', () => {
    const play = begun({}, { onError: 'continue' });
    play.complete(0, 0, 1, calling(read('a')));
    play.complete(0, 1, 1, null, 'invalid');
    play.complete(0, 2, 1, null, 'forbidden');
    expect(play.state).toMatchObject({ status: 'succeeded', output: { research: null } });
    expect(play.state.scope.steps['research']).toMatchObject({ status: 'failed', errors: [{ index: null, code: 'forbidden' }] });
  });

  test('a lost call that must not be made again ends it', () => {
    const play = begun({}, { onCrash: 'fail' });
    play.complete(0, 0, 1, calling(read('a')));
    play.tell({ type: 'accepted', instance: 'x', s: 0, i: 1, n: 1 });
    play.tell({ type: 'lost', s: 0, i: 1, n: 1, error: { code: 'unavailable', detail: 'gone' } });
    expect(play.state.status).toBe('failed');
  });

  test('a fork goes on from the turns and calls that are done', () => {
    const play = begun();
    play.complete(0, 0, 1, calling(read('a'), read('b')));
    play.complete(0, 1, 1, 'kept');
    play.complete(0, 2, 1, null, 'invalid');
    play.complete(0, 3, 1, null, 'forbidden');
    const fork = new Play(play.state.graph);
    const { effects } = fork.tell({ type: 'start', input: 'How far?', depth: 0, kept: keptOf(play.state, []) });
    expect(dispatched(effects)).toEqual(['0.3.1']);
    expect(
      messagesOf(effects)
        .slice(-2)
        .map(({ content }) => content),
    ).toEqual(['kept', 'Error: it failed']);
    fork.complete(0, 3, 1, saying('Done.'));
    expect(fork.state).toMatchObject({ status: 'succeeded', output: { research: { text: 'Done.' } } });
    const limitedPlay = begun({ limits: { ...limits, tokens: 10 } });
    limitedPlay.tell({ type: 'completed', s: 0, i: 0, n: 1, output: calling(read('a')), usage: used(10) });
    expect(limitedPlay.state.status).toBe('failed');
    const again = new Play(limitedPlay.state.graph);
    expect(dispatched(again.tell({ type: 'start', input: 0, depth: 0, kept: keptOf(limitedPlay.state, []) }).effects)).toEqual(['0.1.1']);
    const whole = new Play(play.state.graph);
    expect(dispatched(whole.tell({ type: 'start', input: 0, depth: 0, kept: keptOf(fork.state, []) }).effects)).toEqual([]);
    expect(whole.state.output).toEqual(fork.state.output);
  });
});

describe('calls that people approve', () => {
  const ann = { id: 'user_1', name: 'ann', roles: ['operator'], isStarter: false };
  const answer = (play: Play, i: number, approved: boolean, comment: string | null = null): Turn =>
    play.tell({ type: 'answer', s: 0, i, n: 1, by: ann, approved, data: null, comment });

  function asked(): { play: Play; turn: Turn } {
    const play = begun({ approve: [{ tool: 'web/*' }, { agent: 'reader' }] });
    const sum: Call = ['agent_reader__sum', '{"input":"x"}', { agent: 'reader', skill: 'sum' }];
    return { play, turn: play.complete(0, 0, 1, calling(read('a'), ['web__get', '{"url":"x"}', { tool: 'web/get' }], sum)) };
  }

  test('wait for an answer, while the others are made, and are made once it is given', () => {
    const { play, turn } = asked();
    expect(dispatched(turn.effects)).toEqual(['0.1.1']);
    expect(turn.transitions).toMatchObject([
      { t: 'succeeded' },
      { t: 'grew' },
      { t: 'queued', i: 1 },
      { t: 'asks', i: 2, ask: { message: 'research: the model wants to call web/get.' } },
      { t: 'asks', i: 3, ask: { message: 'research: the model wants to call reader, sum.' } },
    ]);
    expect(openEffects(restore('run', play.state.graph, play.history)).filter(({ e }) => e === 'dispatch')).toMatchObject([{ i: 1 }]);
    expect(dispatched(answer(play, 2, true).effects)).toEqual(['0.2.1']);
    expect(answer(play, 2, true).outcome).toBe('known');
    play.complete(0, 2, 1, null, 'unavailable');
    play.at += 100;
    // Tried again as any call, without being asked again.
    expect(dispatched(play.tell({ type: 'due', timer: 'wake', s: 0, i: 2, n: 1 }).effects)).toEqual(['0.2.2']);
    expect(answer(play, 2, true).outcome).toBe('known');
  });

  test('that are rejected are told to the model, with the comment', () => {
    const { play } = asked();
    play.complete(0, 1, 1, 'a');
    answer(play, 2, false, 'not from outside');
    const { effects } = answer(play, 3, false);
    expect(
      messagesOf(effects)
        .slice(-2)
        .map(({ content }) => content),
    ).toEqual([
      'Error: ann rejected it: not from outside. Do without this call, or propose another.',
      'Error: ann rejected it. Do without this call, or propose another.',
    ]);
  });

  test('are waited for as long as limits.time allows', () => {
    const { play } = asked();
    play.at = 61_000;
    play.tell({ type: 'due', timer: 'total', s: 0, i: 2, n: 1 });
    expect(play.state).toMatchObject({ status: 'failed', reason: 'timeout' });
    expect(answer(play, 2, true).outcome).toBe('stale');
  });
});

/** A model of some turns, then an answer, and tools that always give the same: what is asked decides what is answered. */
function answerTo(state: RunState, { s, i }: { s: number; i: number }, script: number[]): Json {
  if (workOf(state, s, i).kind !== 'model') return `${i}`;
  const turn = state.steps[s]?.grown?.slice(0, i).filter(({ k }) => k === 'model').length ?? 0;
  const calls = script[turn] ?? 0;
  return calls === 0
    ? saying('Done.')
    : calling(...Array.from({ length: calls }, (_, call) => (call % 4 === 3 ? (['x__y', '{}'] as Call) : read(`${turn}.${call}`))));
}

/** Lets executors accept and answer all that is sent, and records each row that this makes. */
function playOn(state: RunState, open: readonly Effect[], script: number[]): { rows: Transition[][]; called: string[] } {
  const rows: Transition[][] = [];
  const called: string[] = [];
  const queue = [...open];
  const tell = (event: RunEvent): void => {
    const { outcome, transitions, effects } = decide(state, event, { at: 2_000, random: () => 0.5, newRunId: () => 'x', newId: () => 'y' });
    if (outcome === 'taken') rows.push(transitions);
    queue.push(...effects);
  };
  for (let effect = queue.shift(); effect !== undefined; effect = queue.shift()) {
    if (effect.e !== 'dispatch') continue;
    const ref = { s: effect.s, i: effect.i, n: effect.n };
    called.push(`${ref.i}`);
    tell({ type: 'accepted', instance: 'x', ...ref });
    tell({ type: 'completed', ...ref, output: answerTo(state, ref, script) });
  }
  return { rows, called };
}

test('whoever takes the run over, after whichever row, makes no call again that has ended, and comes to the same', () => {
  const graph = research({ limits: { ...limits, turns: 20 } }, { maxParallel: 3 });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }), (script) => {
      const whole = newRun('run', graph);
      const started = decide(
        whole,
        { type: 'start', input: 'x', depth: 0 },
        { at: 1_000, random: () => 0.5, newRunId: () => 'x', newId: () => 'y' },
      );
      const { rows, called } = playOn(whole, started.effects, script);
      rows.unshift(started.transitions);
      expect(whole.status).toBe('succeeded');
      expect(called).toEqual([...new Set(called)]);
      expect(restore('run', graph, rows.flat())).toEqual(whole);
      for (let kept = 1; kept < rows.length; kept++) {
        const before = rows.slice(0, kept).flat();
        const taken = restore('run', graph, before);
        const open = openEffects(taken);
        decide(taken, { type: 'taken', epoch: 2 }, { at: 1_500, random: () => 0.5, newRunId: () => 'x', newId: () => 'y' });
        const after = playOn(taken, open, script);
        const ended = new Set(before.flatMap((each) => (each.t === 'succeeded' ? [`${each.i}`] : [])));
        expect(after.called.filter((i) => ended.has(i))).toEqual([]);
        expect(taken.output).toEqual(whole.output);
        expect(taken.steps[0]?.units.map(({ output }) => output)).toEqual(whole.steps[0]?.units.map(({ output }) => output));
      }
    }),
    { numRuns: 60 },
  );
});
