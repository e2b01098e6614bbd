import { expect, test } from '@jest/globals';
import type { Run, RunEvent } from '@signalbox/sdk/client/runs.js';
import type { RunStep } from '../api/shapes.ts';
import { graphOf, groupStatus, trackPath } from './graph.ts';
import { culprit, dependantsOfStep, endingOf, isLost, isOver, namesOf, needsOf, problemText, runFacts, runSpanMs } from './run.ts';
import { eventStatus, eventText, isTrouble, merged } from './run-events.ts';

const at = (ms: number): string => new Date(Date.UTC(2026, 10, 24) + ms).toISOString();
const now = Date.parse(at(5_000));

function step(key: string, status: RunStep['status'], needs: string[] = [], more: Partial<RunStep> = {}): RunStep {
  return {
    key,
    step: key.replace(/\[.*/, ''),
    index: null,
    kind: 'agent',
    label: '',
    status,
    agent: null,
    skill: null,
    tool: null,
    child: null,
    needs,
    waitingFor: [],
    queuedAt: null,
    startedAt: null,
    endedAt: null,
    onCriticalPath: false,
    attempts: [],
    input: null,
    output: null,
    error: null,
    ...more,
  };
}

function run(more: Partial<Run>): Run {
  return {
    id: 'run_1',
    workflow: 'w',
    workflowHash: '',
    status: 'running',
    reason: null,
    labels: {},
    input: null,
    output: null,
    error: null,
    parent: null,
    startedBy: 'user_1',
    createdAt: at(0),
    startedAt: at(0),
    endedAt: null,
    progress: { total: 12, done: 6, running: 1, waiting: 0, failed: 0 },
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    ...more,
  };
}

const steps = [
  step('list', 'succeeded'),
  step('analyse[0]', 'succeeded', ['list'], { onCriticalPath: true, agent: 'analyst', skill: 'analyse' }),
  step('analyse[1]', 'failed', ['list'], { endedAt: at(900), error: { code: 'internal', detail: 'no package.json' } }),
  step('keep', 'pending', ['analyse'], { tool: 'memory/create_entities' }),
  step('note', 'skipped', ['analyse[1]'], { onCriticalPath: true }),
];

test('the facts of a run are its time, steps, tokens and cost, as far as they were measured', () => {
  expect(runFacts(run({}), now)).toEqual(['5.00 s so far', '6 of 12 steps']);
  expect(
    runFacts(run({ status: 'succeeded', endedAt: at(3_200), usage: { inputTokens: 4_000, outputTokens: 120, costUsd: 0.006 } }), now),
  ).toEqual(['took 3.20 s', '6 of 12 steps', '4,120 tokens, $0.006']);
  expect(
    runFacts(
      run({
        startedAt: null,
        progress: { total: 0, done: 0, running: 0, waiting: 0, failed: 0 },
        usage: { inputTokens: 1, outputTokens: 1, costUsd: 0 },
      }),
      now,
    ),
  ).toEqual(['2 tokens']);
  expect(runSpanMs(run({ startedAt: null }), now)).toBeNull();
});

test('a run is over when it succeeded, failed or was cancelled', () => {
  expect((['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const).map((status) => isOver({ status }))).toEqual([
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

test('a problem is told in its detail, else by its code', () => {
  expect([
    problemText(null),
    problemText('broken'),
    problemText({ code: 'internal', detail: '' }),
    problemText({ code: 'x', detail: 'why' }),
  ]).toEqual([null, 'broken', 'internal', 'why']);
});

test('needs name a step as a whole or one of its items', () => {
  expect(needsOf(steps[3]!, steps).map(({ key }) => key)).toEqual(['analyse[0]', 'analyse[1]']);
  expect(needsOf(steps[4]!, steps).map(({ key }) => key)).toEqual(['analyse[1]']);
  expect(dependantsOfStep(steps[2]!, steps).map(({ key }) => key)).toEqual(['keep', 'note']);
  expect(dependantsOfStep(steps[1]!, steps).map(({ key }) => key)).toEqual(['keep']);
});

test('items of one step are named once, with their count', () => {
  expect(namesOf(steps)).toBe('list, analyse (2), keep and note');
});

test('the culprit of a failed run is the step that failed first', () => {
  expect(culprit({ steps: [...steps, step('late', 'failed', [], { endedAt: at(2_000) })] })?.key).toBe('analyse[1]');
  expect(culprit({ steps: [steps[0]!] })).toBeNull();
});

test('the graph has one node a step, with its items, and one edge a need', () => {
  const { nodes, edges } = graphOf(steps);
  expect(nodes.map(({ step: name, status, by, items }) => [name, status, by, items.length])).toEqual([
    ['list', 'succeeded', null, 1],
    ['analyse', 'failed', 'analyst · analyse', 2],
    ['keep', 'pending', 'memory/create_entities', 1],
    ['note', 'skipped', null, 1],
  ]);
  expect(edges).toEqual([
    { from: 'list', to: 'analyse', critical: false },
    { from: 'analyse', to: 'keep', critical: false },
    { from: 'analyse', to: 'note', critical: true },
  ]);
});

test('what undoes a step follows it, and what tidies up follows the last steps', () => {
  const { edges } = graphOf([
    step('book', 'succeeded'),
    step('pay', 'failed', ['book']),
    step('tell', 'succeeded'),
    step('book.undo', 'succeeded', [], { part: 'undo' }),
    step('report', 'succeeded', [], { part: 'finally' }),
    step('close', 'succeeded', ['report', 'book'], { part: 'finally' }),
  ]);
  const ends = edges.map(({ from, to, isEnding = false }) => `${from} ${isEnding ? '..' : '--'} ${to}`);
  expect(ends).toEqual(['book -- pay', 'report -- close', 'book -- close', 'book .. book.undo', 'pay .. report', 'tell .. report']);
});

test('a need that is not in the run is left out of the graph', () => {
  expect(graphOf([step('a', 'pending', ['gone', 'a'])]).edges).toEqual([]);
});

test.each([
  [['succeeded', 'failed', 'running'], 'failed'],
  [['succeeded', 'queued', 'pending'], 'queued'],
  [['succeeded', 'pending'], 'running'],
  [['pending', 'pending'], 'pending'],
  [['succeeded', 'cancelled'], 'cancelled'],
  [['skipped', 'skipped'], 'skipped'],
  [['skipped', 'succeeded'], 'succeeded'],
  [[], 'pending'],
])('items that are %j are together %s', (statuses, together) => {
  expect(groupStatus(statuses)).toBe(together);
});

test('a track has its corners cut by 45 degrees, and no more than half of a short part', () => {
  expect(trackPath([])).toBe('');
  expect(
    trackPath([
      { x: 0, y: 0 },
      { x: 50, y: 0 },
    ]),
  ).toBe('M0 0L50 0');
  expect(
    trackPath([
      { x: 0, y: 0 },
      { x: 50, y: 0 },
      { x: 50, y: 10 },
      { x: 90, y: 10 },
    ]),
  ).toBe('M0 0L45 0L50 5L50 5L55 10L90 10');
});

const event = (type: string, more: Partial<RunEvent> = {}): RunEvent => ({ seq: 1, at: at(0), run: 'run_1', type, ...more });

test.each([
  [event('run.started'), 'the run started'],
  [event('run.succeeded'), 'the run succeeded'],
  [event('run.failed', { error: { code: 'internal', detail: 'why' } }), 'the run failed: why'],
  [event('run.cancelled', { message: 'by ada' }), 'the run was cancelled: by ada'],
  [event('step.queued', { message: 'analyst takes 3 at once' }), 'queued: analyst takes 3 at once'],
  [event('step.started', { attempt: 1, agent: 'analyst' }), 'started by analyst'],
  [event('step.started', { attempt: 2, instance: 'analyst-2' }), 'attempt 2 started on analyst-2'],
  [event('step.progress', { message: '28 of 41 files' }), '28 of 41 files'],
  [event('step.progress'), 'goes on'],
  [event('step.succeeded'), 'succeeded'],
  [event('step.failed', { error: { code: 'x', detail: 'gone' } }), 'failed: gone'],
  [event('step.retrying'), 'is tried again'],
  [event('step.waiting', { message: 'for the signal go' }), 'waits for the signal go'],
  [event('step.escalated', { message: 'level 1' }), 'more people were asked: level 1'],
  [event('step.answered', { message: 'approved by ann' }), 'approved by ann'],
  [event('run.signalled', { message: 'go' }), 'the signal go came'],
  [event('step.skipped', { message: 'its condition is false' }), 'skipped: its condition is false'],
  [event('step.dreamt', { message: 'sheep' }), 'step.dreamt: sheep'],
])('an event is told in words', (told, text) => {
  expect(eventText(told)).toBe(text);
});

test('an event has the lamp of what it led to, and trouble is what failed or is tried again', () => {
  expect(['step.started', 'step.progress', 'step.retrying', 'step.failed', 'odd'].map((type) => eventStatus({ type }))).toEqual([
    'running',
    'running',
    'waiting',
    'failed',
    '',
  ]);
  expect(['step.failed', 'step.retrying', 'run.cancelled', 'step.succeeded'].map((type) => isTrouble({ type }))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test('events that arrive again are dropped, progress is always new', () => {
  const known = [event('run.started', { seq: 0 }), event('step.started', { seq: 1 })];
  const progress = event('step.progress', { seq: 1 });
  expect(merged(known, [known[1]!, progress, event('step.succeeded', { seq: 2 }), progress]).map(({ type }) => type)).toEqual([
    'run.started',
    'step.started',
    'step.progress',
    'step.succeeded',
    'step.progress',
  ]);
  expect(merged(known, [])).toEqual(known);
});

test('a run that ends says how far it is', () => {
  expect(endingOf(run({ reason: 'undoing' }))).toBe('undoing');
  expect(endingOf(run({ status: 'waiting', reason: 'finishing' }))).toBe('finishing');
  expect(endingOf(run({ status: 'failed', reason: 'undoing' }))).toBeNull();
  expect(endingOf(run({}))).toBeNull();
});

test('a lost step waits for a person’s word', () => {
  expect(isLost(step('a', 'waiting', [], { waitingFor: [{ on: 'crashed', because: 'its executor was lost' }] }))).toBe(true);
  expect(isLost(step('a', 'waiting', [], { waitingFor: [{ on: 'retry', because: 'it failed' }] }))).toBe(false);
});
