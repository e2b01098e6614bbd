import { expect, test } from '@jest/globals';
import type { BoardStatus } from '@signalbox/shared/contracts/registry/board.js';
import { parseDeploymentManifest } from './deployment-manifest.ts';
import { startPlan, type StartFact } from './start-plan.ts';

const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

function planned(agent: Record<string, unknown>, status: BoardStatus, fact?: StartFact): unknown {
  const manifest = {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: { agents: [{ name: 'a', ...agent }] },
  };
  const { plan } = parseDeploymentManifest('d', manifest);
  const [only] = startPlan(plan, new Map([['a', { status }]]), new Map(fact ? [['a', fact]] : []));
  return [only!.action, only!.because];
}

const local = { kind: 'worker', hash: hash('1'), worker: { runner: 'local' as const, replicas: 3 }, inFlight: 0 };

test('says of each agent what a start does to it', () => {
  expect(planned({ estimateDays: [1, 1], steps: [{ name: 's' }] }, 'ready')).toEqual([
    'report',
    'CI or a person reports its steps; nothing is started.',
  ]);
  expect(planned({}, 'waiting')).toEqual(['start', 'It waits until an agent a is registered.']);
  expect(planned({}, 'parallel', { ...local, running: [] })).toEqual(['start', '3 processes are started.']);
  expect(planned({}, 'done', { ...local, running: [hash('1'), hash('1')] })).toEqual(['keep', 'It is up and stays as it is.']);
  expect(planned({}, 'done', { ...local, running: [hash('1'), hash('2')] })).toEqual([
    'restart',
    'Its 2 processes run an older version: they finish what they have and are replaced.',
  ]);
  expect(planned({}, 'failed', { kind: 'http', hash: hash('1'), inFlight: 0, running: [] })).toEqual([
    'start',
    'It is called where it is; its steps look whether it answers.',
  ]);
  expect(planned({}, 'ready', { kind: 'worker', hash: hash('1'), inFlight: 0, running: [] })).toEqual([
    'start',
    'Somebody else starts it; its first beat is awaited.',
  ]);
});

test('says what a start does with members of other kinds, and whom a restart or a migration disturbs', () => {
  const spec = {
    agents: [{ name: 'a', agent: 'writer' }],
    members: [
      { kind: 'secret', name: 'token', dependsOn: ['a'] },
      { kind: 'mcp-server', name: 'files' },
      { kind: 'migration', name: 'tables', command: ['node', 'tables.mjs'] },
      { kind: 'migration', name: 'by-hand', estimateDays: [1, 1] },
    ],
  };
  const { plan } = parseDeploymentManifest('d', { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' }, spec });
  const board = new Map(plan.agents.map(({ name }) => [name, { status: (name === 'files' ? 'done' : 'ready') as BoardStatus }]));
  const facts = new Map([['writer', { ...local, running: [hash('2')], inFlight: 4 }]]);
  const sharing = new Map([
    ['writer', ['other']],
    ['migration:tables', ['third']],
    ['mcp-server:files', ['other']],
  ]);
  expect(
    startPlan(plan, board, facts, sharing).map(({ name, kind, wave, action, disturbs }) => [name, kind, wave, action, disturbs]),
  ).toEqual([
    ['a', undefined, 1, 'restart', { tasks: 4, deployments: ['other'] }],
    ['by-hand', 'migration', 1, 'report', undefined],
    ['files', 'mcp-server', 1, 'keep', undefined],
    ['tables', 'migration', 1, 'run', { tasks: 0, deployments: ['third'] }],
    ['token', 'secret', 2, 'look', undefined],
  ]);
});
