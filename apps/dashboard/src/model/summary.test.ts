import { expect, test } from '@jest/globals';
import { find } from './find.ts';
import { compactJson, parseJson } from './json.ts';
import { keyStatus, scopesIn } from './keys.ts';
import { overallSentence } from './overall.ts';
import { may } from './permissions.ts';
import { agentsSummary, countsSentence, runsSummary, summaryOf } from './summary.ts';
import { toolClaims } from './tool-claims.ts';

const well = (thing: { status: string }): boolean => thing.status === 'healthy';

test('a summary names the worst first, with its reason', () => {
  const things = [
    { name: 'a', status: 'healthy' },
    { name: 'b', status: 'degraded' },
    { name: 'c', status: 'failed' },
  ];
  expect(summaryOf(things, well, 'well', ({ status }) => `it is ${status}`)).toEqual({
    figure: '1 of 3 well',
    note: 'c: it is failed, and 1 more',
  });
  expect(summaryOf(things.slice(0, 1), well, 'well', () => '')).toEqual({ figure: '1 well', note: 'it is as it should be' });
  expect(summaryOf([], well, 'well', () => '')).toEqual({ figure: 'None', note: 'none yet' });
});

test('the runs are summed up by what was measured alone', () => {
  const ended = (status: 'succeeded' | 'failed', ms: number) => ({
    workflow: 'w',
    status,
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: new Date(Date.UTC(2026, 0, 1) + ms).toISOString(),
  });
  expect(runsSummary([])).toEqual({ figure: 'None', note: 'none yet' });
  expect(runsSummary([{ workflow: 'w', status: 'running', startedAt: null, endedAt: null }])).toEqual({
    figure: '1 going',
    note: 'none has ended yet',
  });
  expect(runsSummary([ended('succeeded', 1_000), ended('succeeded', 3_000), ended('succeeded', 9_000), ended('failed', 5)])).toEqual({
    figure: '75 % succeeded',
    note: 'of the latest 4: 3 succeeded, 1 failed · median 3.00 s',
  });
  expect(runsSummary([{ workflow: 'w', status: 'cancelled', startedAt: null, endedAt: null }]).figure).toBe('1 run');
});

test('counts say what hurts first', () => {
  expect(countsSentence([{ status: 'healthy' }, { status: 'failed' }, { status: 'odd' }], ['failed', 'healthy'], 'none')).toBe(
    '1 failed, 1 healthy, 1 odd.',
  );
  expect(countsSentence([], [], 'No agent.')).toBe('No agent.');
});

test('the whole stands in one sentence, trouble first and by name', () => {
  const services = [{ name: 'registry', status: 'up' as const }];
  expect(overallSentence({ services: undefined, agents: undefined, servers: undefined, runs: undefined })).toBe(
    'Looking how everything stands.',
  );
  expect(
    overallSentence({
      services,
      agents: [{ name: 'a', status: 'healthy' }],
      servers: [{ name: 'files', status: 'ready' }],
      runs: [{ status: 'running' }],
    }),
  ).toBe('Everything is as it should be: 1 service, 1 agent and 1 MCP server · 1 run going.');
  expect(
    overallSentence({
      services: [{ name: 'protocol', status: 'down' }],
      agents: [
        { name: 'a', status: 'failed' },
        { name: 'b', status: 'degraded' },
      ],
      servers: [{ name: 'memory', status: 'failed' }],
      runs: [],
    }),
  ).toBe('1 service is down: protocol · 1 MCP server needs a look: memory · 2 agents are not well: a and b · no run going.');
});

test('what a role may not do is not offered, and scopes narrow it further', () => {
  const who = (role: string, scopes: string[] = []) => ({ roles: [role], scopes });
  expect(may(who('admin'), 'keys:create')).toBe(true);
  expect(may(who('operator'), 'runs:write')).toBe(true);
  expect(may(who('operator'), 'keys:read')).toBe(false);
  expect(may(who('viewer'), 'runs:read')).toBe(true);
  expect(may(who('viewer'), 'runs:write')).toBe(false);
  expect(may(who('admin', ['runs:*']), 'runs:write')).toBe(true);
  expect(may(who('admin', ['*:read']), 'runs:write')).toBe(false);
});

test('finding prefers whole names, then beginnings, then words, then the rest; all words must occur', () => {
  const items = ['rerun', 'agent-run', 'runner', 'run'].map((title) => ({ id: title, title, kind: 'Agent' }));
  expect(find(items, 'run').map(({ title }) => title)).toEqual(['run', 'runner', 'agent-run', 'rerun']);
  expect(find(items, 'agent runner').map(({ title }) => title)).toEqual(['runner']);
  expect(find(items, 'nothing')).toEqual([]);
  expect(find(items, '  ', 2)).toHaveLength(2);
  expect(find([{ id: 'x', title: 'x', kind: 'Run', detail: 'd', words: 'run_01 failed' }], 'failed')).toHaveLength(1);
  expect(find(items, 'run(')).toEqual([]);
});

test('short JSON stays on one line, long JSON does not', () => {
  expect(compactJson({ folder: 'packages/shared', files: 41 })).toBe('{ "folder": "packages/shared", "files": 41 }');
  expect(compactJson({ a: { b: [1, 2] }, c: [] })).toBe('{\n  "a": {\n    "b": [1, 2]\n  },\n  "c": []\n}');
  expect(compactJson([{ a: 1 }])).toBe('[\n  { "a": 1 }\n]');
  expect(compactJson(['x'.repeat(80)])).toContain('\n');
  expect([compactJson(undefined), compactJson(null), compactJson('t')]).toEqual(['nothing', 'null', '"t"']);
});

test('a key is live until it expires or is revoked, and scopes are read from what is typed', () => {
  const now = Date.UTC(2026, 0, 1);
  expect(keyStatus({}, now)).toBe('live');
  expect(keyStatus({ expiresAt: '2025-12-31T00:00:00Z' }, now)).toBe('expired');
  expect(keyStatus({ expiresAt: '2026-12-31T00:00:00Z', revokedAt: '2025-12-31T00:00:00Z' }, now)).toBe('revoked');
  expect(scopesIn('runs:read, tools:* admin')).toEqual({ scopes: ['runs:read', 'tools:*'], wrong: ['admin'] });
});

test('what a tool claims is shown as its claim', () => {
  expect(toolClaims(null)).toEqual([]);
  expect(toolClaims({ readOnlyHint: true, destructiveHint: true, openWorldHint: true }).map(({ word }) => word)).toEqual([
    'reads only',
    'reaches out',
  ]);
  expect(toolClaims({ destructiveHint: true })).toEqual([{ word: 'may destroy', isHarmful: true }]);
});

test.each([
  ['{\n  "a": ,\n}', '"," is not expected, at line 2, column 8'],
  ['', 'it ends too early, at line 1, column 1'],
  ['{"a": 1,}', '"}" is not expected, at line 1, column 9'],
  ['{"a" 1}', '"1" is not expected, at line 1, column 6'],
  ['{a: 1}', '"a" is not expected, at line 1, column 2'],
  ['[1, 2', 'it ends too early, at line 1, column 6'],
  ['[1 2]', '"2" is not expected, at line 1, column 4'],
  ['[1}', '"}" is not expected, at line 1, column 3'],
  ['[1,]', '"]" is not expected, at line 1, column 4'],
  ['{"a": 1 [', '"[" is not expected, at line 1, column 9'],
  ['{[', '"[" is not expected, at line 1, column 2'],
  ['1, 2', '"," is not expected, at line 1, column 2'],
  [': 1', '":" is not expected, at line 1, column 1'],
  ['[{}, {"b": [null, true]} x', '"x" is not expected, at line 1, column 26'],
])('JSON that is none says where it breaks: %j', (text, where) => {
  expect(parseJson(text)).toEqual({ fault: `This is not JSON: ${where}.` });
});

test('JSON is parsed', () => {
  expect(parseJson('{"a": [1, {"b": null}]}')).toEqual({ value: { a: [1, { b: null }] } });
});

test('agents that nobody has seen yet are neither well nor unwell', () => {
  const agent = (name: string, status: string, statusReason?: string) => ({ name, status, ...(statusReason && { statusReason }) });
  expect(agentsSummary([])).toEqual({ figure: 'None', note: 'none yet' });
  expect(agentsSummary([agent('a', 'healthy')])).toEqual({ figure: '1 healthy', note: 'it is as it should be' });
  expect(agentsSummary([agent('a', 'idle'), agent('b', 'unknown')])).toEqual({ figure: '2 idle', note: 'none is live yet' });
  expect(agentsSummary([agent('a', 'healthy'), agent('b', 'failed', 'it is gone'), agent('c', 'idle')])).toEqual({
    figure: '1 of 2 healthy',
    note: 'b: it is gone · 1 idle',
  });
  expect(agentsSummary([agent('a', 'degraded')])).toEqual({ figure: '0 of 1 healthy', note: 'a: degraded' });
});
