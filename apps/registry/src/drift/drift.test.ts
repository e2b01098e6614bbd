import { expect, test } from '@jest/globals';
import type { BoardAgent } from '@signalbox/shared/contracts/registry/board.js';
import { parseDeploymentManifest } from '../deployments/deployment-manifest.ts';
import type { MemberFact, StepFact } from '../deployments/facts.ts';
import { driftOf, type AgentReality } from './drift.ts';

const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;
const done: StepFact = { state: 'done', fraction: 1 };
const stepNames = ['start', 'probe', 'contract'];
const allDone = (name: string): [string, StepFact][] => stepNames.map((step) => [`${name}/${step}`, done]);
const local = { runner: 'local' as const, command: ['node'], replicas: 2 };
const worker = (over: Partial<AgentReality> = {}): AgentReality => ({
  ...{ kind: 'worker', version: 2, hash: hash('2'), worker: local, live: 2, running: new Map([['a', [hash('2'), hash('2')]]]) },
  ...over,
});

interface Given {
  spec?: Record<string, unknown>;
  started?: boolean;
  status?: BoardAgent['status'];
  agent?: AgentReality;
  baseline?: Record<string, string>;
  steps?: [string, StepFact][];
  member?: MemberFact;
}

/** The drift of a deployment of one agent or member, `a`, that is up unless something else is given. */
function drift({
  spec = { agents: [{ name: 'a' }] },
  started = true,
  status = 'done',
  agent,
  baseline = {},
  steps = allDone('a'),
  member,
}: Given): unknown {
  const { plan } = parseDeploymentManifest('d', { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' }, spec });
  return driftOf({
    ...{ started, plan, baseline },
    board: new Map([['a', { status }]]),
    facts: { steps: new Map(steps), members: new Map(member && [['a', member]]) },
    agents: new Map(agent && [['a', agent]]),
  }).map(({ aspect, repair, actual }) => [aspect, repair, actual]);
}

test('what is as the manifest wants it has no drift', () => {
  expect(drift({ agent: worker(), baseline: { a: hash('2') } })).toEqual([]);
});

test('an agent that is not registered is missing, and no repair makes it', () => {
  expect(drift({ started: false, steps: [] })).toEqual([
    ['missing', undefined, 'not registered'],
    ['steps', 'start', '0 done'],
  ]);
});

test('processes of an older version are restarted', () => {
  const running = new Map([['a', [hash('1'), hash('2')]]]);
  expect(drift({ agent: worker({ running }), baseline: { a: hash('1') } })).toEqual([
    ['version', 'restart', '1 of 2 processes run sha256:111111111111'],
  ]);
});

test('an agent without processes that was changed since the last start has its steps made again', () => {
  const agent = { kind: 'http', version: 3, hash: hash('3'), live: 0, running: new Map() };
  expect(drift({ agent, baseline: { a: hash('1') } })).toEqual([['changed', 'again', 'version 3 (sha256:333333333333)']]);
});

test('too few or too many instances are drift once it is up, and not while it comes', () => {
  expect(drift({ agent: worker({ live: 1 }) })).toEqual([['replicas', 'again', '1 beat, 2 run']]);
  expect(drift({ agent: worker({ live: 3, running: new Map([['a', ['2', '2', '2'].map(hash)]]) }) })).toEqual([
    ['replicas', 'again', '3 beat'],
  ]);
  expect(drift({ agent: worker({ live: 1 }), status: 'active' })).toEqual([]);
  const external = { runner: 'external' as const, replicas: 2 };
  expect(drift({ agent: worker({ worker: external, live: 1, running: new Map() }) })).toEqual([['replicas', undefined, '1 beat']]);
  expect(drift({ agent: worker({ worker: external, live: 5, running: new Map() }) })).toEqual([]);
});

test('steps that failed are made again, those of people are reported, and those of a deployment that is not started wait for it', () => {
  const failed: StepFact = { state: 'failed', fraction: 0, note: 'no answer' };
  expect(
    drift({
      agent: worker(),
      status: 'failed',
      steps: [
        ['a/start', done],
        ['a/probe', failed],
      ],
    }),
  ).toEqual([['steps', 'again', '1 done']]);
  expect(drift({ agent: worker(), status: 'active', steps: [['a/start', done]] })).toEqual([]);
  expect(drift({ agent: worker(), started: false, status: 'ready', steps: [] })).toEqual([['steps', 'start', '0 done']]);
  const reported = { agents: [{ name: 'a', estimateDays: [1, 2], steps: [{ name: 'review' }] }] };
  expect(drift({ spec: reported, steps: [], status: 'ready', started: false })).toEqual([]);
  expect(drift({ spec: reported, steps: [], status: 'waiting', started: false })).toEqual([]);
});

test('members of other kinds drift when they are missing, not well, at another hash, or changed by hand', () => {
  const probed: [string, StepFact][] = [['a/probe', done]];
  const of = (kind: string, member: MemberFact, more: object = {}): unknown =>
    drift({ spec: { members: [{ kind, name: 'a', ...more }] }, steps: probed, member });
  expect(of('secret', { standing: 'missing', note: 'n' })).toEqual([['missing', undefined, 'not there']]);
  expect(of('mcp-server', { standing: 'ill', note: 'n', observed: 'version 1' })).toEqual([['state', undefined, 'not well']]);
  expect(of('workflow', { standing: 'ill', note: 'n', observed: hash('5') }, { hash: hash('4') })).toEqual([
    ['version', 'revert', 'sha256:555555555555'],
  ]);
  expect(of('mcp-server', { standing: 'well', note: 'n', observed: 'version 2', baseline: 'version 1' })).toEqual([
    ['changed', 'again', 'version 2'],
  ]);
  expect(of('mcp-server', { standing: 'well', note: 'n', observed: 'version 2', baseline: 'version 2' })).toEqual([]);
});
