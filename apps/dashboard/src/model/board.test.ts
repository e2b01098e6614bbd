import { expect, test } from '@jest/globals';
import type { Board, BoardAgent } from '@signalbox/sdk/client/deployments.js';
import {
  actionReason,
  actionTitle,
  boardSentence,
  causesOf,
  criticalLines,
  daysLeft,
  dependantsOf,
  disturbance,
  kindWord,
  lineKey,
  memberHref,
  shortNameOf,
  slipOf,
  thingOf,
  waitsFor,
} from './board.ts';
import { ganttOf } from './gantt.ts';

function agent(name: string, status: string, more: Partial<BoardAgent> = {}): BoardAgent {
  return {
    name,
    agent: name,
    status,
    progress: 0,
    steps: [],
    dependsOn: [],
    waitingFor: [],
    estimateDays: [3, 4],
    eta: { days: [3, 4], at: '2026-11-28T00:00:00Z' },
    priority: 'medium',
    slackDays: 0,
    critical: false,
    ...more,
  };
}

const at = '2026-11-28T00:00:00Z';
const agents = [
  agent('database', 'done', { eta: null, slackDays: null, estimateDays: [0, 0] }),
  agent('mcp', 'ready', { dependsOn: ['database'], critical: true, eta: { days: [4, 5], at } }),
  agent('registry', 'ready', { dependsOn: ['database'], critical: true }),
  agent('protocol', 'active', { dependsOn: ['service:bus'], slackDays: 0.7, eta: { days: [2.4, 3.2], at } }),
  agent('workflow', 'waiting', {
    dependsOn: ['database', 'registry', 'protocol'],
    waitingFor: [
      { on: 'registry', because: 'it has not started' },
      { on: 'protocol', because: 'it is active' },
    ],
    critical: true,
    eta: { days: [7, 9], at },
  }),
  agent('api', 'waiting', {
    dependsOn: ['mcp', 'registry'],
    waitingFor: [
      { on: 'mcp', because: 'it has not started' },
      { on: 'workflow', because: 'it waits' },
    ],
    critical: true,
    eta: { days: [7, 9], at },
  }),
  agent('security', 'parallel', { slackDays: 4.5 }),
];

test('the sentence says what is left and how many stand how', () => {
  expect(boardSentence(agents)).toBe('8.0 days left, between 7 and 9 · 1 done, 1 active, 2 ready, 2 waiting, 1 parallel');
});

test('a board where all is done says so, and an empty one too', () => {
  const done = agent('a', 'done', { eta: null });
  expect(boardSentence([done])).toBe('Complete: its agent is up');
  expect(boardSentence([done, done])).toBe('Complete: all 2 agents are up');
  expect(boardSentence([])).toBe('No agents in this deployment.');
});

test('a status that is new to us is named too', () => {
  expect(boardSentence([agent('a', 'paused', { eta: null })])).toBe('1 paused');
});

test('days left need an estimate, and certainty needs no range', () => {
  expect(daysLeft([agent('a', 'active', { eta: null })])).toBeNull();
  expect(daysLeft([agent('a', 'active', { eta: { days: [2, 2], at } })])).toBe('2.0 days left');
  expect(daysLeft([agent('a', 'active', { eta: { days: [0, 0], at } })])).toBe('0 days left');
});

test('what is waited for reads as words', () => {
  expect(waitsFor(agents[0]!)).toBe('nothing');
  expect(waitsFor(agents[4]!)).toBe('registry and protocol');
  expect(thingOf('service:bus')).toBe('message bus');
  expect(thingOf('mcp-server:files')).toBe('MCP server files');
  expect(thingOf('agent:analyst')).toBe('analyst');
  expect(['service:bus', 'mcp-server:files', 'analyst'].map(shortNameOf)).toEqual(['message bus', 'files', 'analyst']);
});

test('the critical lines lead into each critical agent from what ends last before it', () => {
  expect([...criticalLines({ agents })].toSorted()).toEqual(
    [lineKey('database', 'mcp'), lineKey('database', 'registry'), lineKey('registry', 'workflow'), lineKey('mcp', 'api')].toSorted(),
  );
});

test('the causes of a wait go down to what can be acted on, each once', () => {
  expect(causesOf(agents, 'api')).toEqual([
    { on: 'mcp', because: 'it has not started', status: 'ready', depth: 0 },
    { on: 'workflow', because: 'it waits', status: 'waiting', depth: 0 },
    { on: 'registry', because: 'it has not started', status: 'ready', depth: 1 },
    { on: 'protocol', because: 'it is active', status: 'active', depth: 1 },
  ]);
  expect(causesOf(agents, 'nobody')).toEqual([]);
  expect(dependantsOf(agents, 'registry')).toEqual(['workflow', 'api']);
});

test('an action says what to do to whom, why, and whom it frees', () => {
  expect(actionTitle({ action: 'start', agent: 'mcp' })).toBe('Start mcp');
  expect(actionReason('all it needs is there', ['api'])).toBe('All it needs is there. Unblocks api.');
  expect(actionReason('it unblocks api', ['api'])).toBe('It unblocks api.');
  expect(actionReason('it needs nothing.', [])).toBe('It needs nothing.');
});

test('the plan has a bar for all that remains, beginning where its dependencies end', () => {
  const { bars, days } = ganttOf(agents);
  expect(bars.map(({ name }) => name)).not.toContain('database');
  expect(bars.find(({ name }) => name === 'workflow')).toMatchObject({ start: 3.5, end: 8, latest: 9 });
  expect(bars.find(({ name }) => name === 'security')).toMatchObject({ start: 0, end: 3.5, slack: 4.5 });
  expect(days).toBe(9);
  expect(ganttOf([])).toEqual({ bars: [], days: 0 });
});

test('a slip is told by how the end moves, and by the path where it is another', () => {
  const board = (remainingDays: number, ...criticalPath: string[]): Board => ({ remainingDays, criticalPath }) as Board;
  const now = board(8, 'a', 'b');
  expect(slipOf(now, board(8, 'a', 'b'))).toBe('All is done as soon as now, in 8 days.');
  expect(slipOf(now, board(9.5, 'a', 'b'))).toBe('All is done 1.5 days later, in 9.5 days.');
  expect(slipOf(now, board(7, 'c'))).toBe('All is done 1 day sooner, in 7 days; the longest path is then c.');
});

test('members of other kinds are named, lead to their pages, and say what a start disturbs', () => {
  expect(kindWord({})).toBeNull();
  expect(kindWord({ kind: 'mcp-server' })).toBe('MCP server');
  expect(kindWord({ kind: 'something-new' })).toBe('something-new');
  expect(memberHref({ agent: 'a' })).toBe('/agents/a');
  expect(memberHref({ kind: 'workflow', agent: 'a' })).toBe('/workflows/a');
  expect(memberHref({ kind: 'secret', agent: 'a' })).toBe('/secrets');
  expect(memberHref({ kind: 'migration', agent: 'a' })).toBeNull();
  expect(disturbance({})).toBe('');
  expect(disturbance({ disturbs: { tasks: 1, deployments: [] } })).toBe(' It disturbs: 1 task is finished first.');
  expect(disturbance({ disturbs: { tasks: 3, deployments: ['x', 'y'] } })).toBe(
    ' It disturbs: 3 tasks are finished first; x and y have it too.',
  );
});
