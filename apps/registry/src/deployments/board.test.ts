import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { boardOf } from './board.ts';
import { parseDeploymentManifest } from './deployment-manifest.ts';
import { stepKey, type AgentFact, type Facts, type StepFact } from './facts.ts';
import type { Plan } from './plan.ts';

const now = new Date('2026-11-24T12:00:00Z');
const busIsUp = new Map([['service:bus', { isUp: true, because: '' }]]);

function factsOf(facts: Partial<Facts> = {}): Facts {
  return { steps: new Map(), agents: new Map(), members: new Map(), infrastructure: busIsUp, history: new Map(), now, ...facts };
}

function planOf(...agents: Record<string, unknown>[]): Plan {
  return parseDeploymentManifest('d', { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { agents } })
    .plan;
}

function documents(file: string): Record<string, unknown>[] {
  const text = readFileSync(new URL(`../../../../examples/deployment-board/${file}`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);
}

/** The example as its three files give it. */
function nineAgents(): { plan: Plan; steps: Map<string, StepFact> } {
  const { plan } = parseDeploymentManifest('nine-agents', documents('2-deployment.yaml')[0]);
  const steps = new Map<string, StepFact>();
  for (const report of documents('3-reports.yaml').filter((document) => document !== null)) {
    const { agent, step, state } = report['spec'] as { agent: string; step: string; state: StepFact['state'] };
    steps.set(stepKey(agent, step), { state, fraction: state === 'done' ? 1 : 0 });
  }
  return { plan, steps };
}

describe('the board of the nine agents', () => {
  const { plan, steps } = nineAgents();
  const board = boardOf('nine-agents', plan, factsOf({ steps }));
  const agents = Object.fromEntries(board.agents.map((agent) => [agent.name, agent]));

  test('shows the status of each', () => {
    expect(Object.fromEntries(board.agents.map(({ name, status }) => [name, status]))).toEqual({
      'database-architect': 'done',
      'mcp-server-manager': 'ready',
      'agent-registry': 'ready',
      'protocol-manager': 'active',
      'context-manager': 'waiting',
      'workflow-execution': 'waiting',
      'api-endpoint': 'waiting',
      security: 'parallel',
      testing: 'parallel',
    });
  });

  test('says what each waits for, and why', () => {
    expect(agents['context-manager']!.waitingFor).toEqual([{ on: 'agent-registry', because: 'not started' }]);
    expect(agents['workflow-execution']!.waitingFor).toEqual([
      { on: 'agent-registry', because: 'not started' },
      { on: 'protocol-manager', because: 'active, 0 % done' },
    ]);
    expect(agents['api-endpoint']!.waitingFor).toEqual([
      { on: 'mcp-server-manager', because: 'not started' },
      { on: 'agent-registry', because: 'not started' },
    ]);
    for (const name of ['database-architect', 'mcp-server-manager', 'agent-registry', 'protocol-manager', 'security', 'testing']) {
      expect(agents[name]!.waitingFor).toEqual([]);
    }
  });

  test('has 8.0 days left, between 7 and 9', () => {
    expect(board.remainingDays).toBe(8);
    expect(board.eta).toEqual({ days: [7, 9], at: '2026-12-02T12:00:00.000Z' });
  });

  test('gives each its slack, priority and mark', () => {
    const told = Object.fromEntries(board.agents.map(({ name, slackDays, priority, critical }) => [name, [slackDays, priority, critical]]));
    expect(told).toEqual({
      'database-architect': [null, null, false],
      'mcp-server-manager': [0, 'critical', true],
      'agent-registry': [0, 'critical', true],
      'protocol-manager': [0, 'critical', true],
      'context-manager': [1, 'high', false],
      'workflow-execution': [0, 'critical', true],
      'api-endpoint': [0, 'critical', true],
      security: [4.5, 'medium', false],
      testing: [3.5, 'medium', false],
    });
  });

  test('counts what an agent waits for into its end', () => {
    expect(agents['workflow-execution']!.eta).toEqual({ days: [7, 9], at: '2026-12-02T12:00:00.000Z' });
    expect(agents['context-manager']!.eta!.days).toEqual([6, 8]);
    expect(agents['database-architect']!.eta).toBeNull();
    expect(agents['workflow-execution']!.estimateDays).toEqual([4, 5]);
  });

  test('names the first longest path of what remains', () => {
    expect(board.criticalPath).toEqual(['agent-registry', 'workflow-execution']);
  });

  test('says what to do next, in order', () => {
    expect(board.nextActions.map(({ action, agent, within }) => [within, action, agent])).toEqual([
      ['now', 'start', 'agent-registry'],
      ['now', 'start', 'mcp-server-manager'],
      ['now', 'start', 'testing'],
      ['now', 'start', 'security'],
      ['24h', 'finish', 'protocol-manager'],
      ['72h', 'prepare', 'workflow-execution'],
      ['72h', 'prepare', 'context-manager'],
      ['week', 'prepare', 'api-endpoint'],
      ['week', 'complete', 'agent-registry'],
    ]);
    expect(board.nextActions[0]).toMatchObject({
      because: 'All it needs is there. It has no slack.',
      unblocks: ['api-endpoint', 'context-manager', 'workflow-execution'],
    });
    expect(board.nextActions[2]!.because).toBe('It needs nothing. Nothing waits for it; a free hand can take it.');
    expect(board.nextActions[4]!.because).toBe('The step http-calls is next; 0 of 5 are done.');
    expect(board.nextActions[5]!.because).toBe('It can start when agent-registry and protocol-manager are there.');
  });

  test('stands as active, a little done', () => {
    expect(board).toMatchObject({ name: 'nine-agents', status: 'active', progress: 0.111111, updatedAt: now.toISOString() });
  });

  test('lets protocol-manager wait where the message bus is down', () => {
    const down = new Map([['service:bus', { isUp: false, because: 'the message bus is down' }]]);
    const database = new Map([...steps].filter(([key]) => key.startsWith('database')));
    const without = boardOf('nine-agents', plan, factsOf({ steps: database, infrastructure: down }));
    expect(without.agents.find(({ name }) => name === 'protocol-manager')).toMatchObject({
      status: 'waiting',
      waitingFor: [{ on: 'service:bus', because: 'the message bus is down' }],
    });
  });

  test('shortens what remains as steps are done', () => {
    const further = new Map(steps).set('protocol-manager/http-calls', { state: 'done', fraction: 1 });
    const later = boardOf('nine-agents', plan, factsOf({ steps: further }));
    expect(later.agents.find(({ name }) => name === 'protocol-manager')).toMatchObject({ progress: 0.2, slackDays: 0.7, status: 'active' });
    expect(later.remainingDays).toBe(8);
  });
});

describe('status', () => {
  const machine = {
    name: 'a',
    steps: [
      { name: 'start', source: 'runner' },
      { name: 'check', source: 'probe' },
    ],
  };
  const registered = (fact: AgentFact): Map<string, AgentFact> => new Map([['a', fact]]);
  const statusWith = (steps: Record<string, StepFact>, agent: AgentFact | null = { status: 'healthy' }): [string, string | undefined] => {
    const board = boardOf(
      'd',
      planOf(machine),
      factsOf({ steps: new Map(Object.entries(steps)), ...(agent && { agents: registered(agent) }) }),
    );
    return [board.agents[0]!.status, board.agents[0]!.statusReason];
  };
  const begun: StepFact = { state: 'begun', fraction: 0, note: 'waits for a first beat' };
  const done: StepFact = { state: 'done', fraction: 1 };

  test('is starting until a first step is done, then active', () => {
    expect(statusWith({ 'a/start': begun })).toEqual(['starting', 'start: waits for a first beat']);
    expect(statusWith({ 'a/start': done })).toEqual(['active', undefined]);
    expect(statusWith({ 'a/start': done, 'a/check': begun })).toEqual(['active', 'check: waits for a first beat']);
  });

  test('is active as soon as a step is reported begun', () => {
    const plan = planOf({ name: 'a', estimateDays: [1, 2], steps: [{ name: 's' }] });
    const board = boardOf('d', plan, factsOf({ steps: new Map([['a/s', { state: 'begun', fraction: 0 }]]) }));
    expect(board.agents[0]!.status).toBe('active');
  });

  test('is failed with the reason of the step', () => {
    expect(statusWith({ 'a/start': { state: 'failed', fraction: 0, note: 'node: not found' } })).toEqual([
      'failed',
      'start: node: not found',
    ]);
    expect(statusWith({ 'a/start': { state: 'failed', fraction: 0 } })).toEqual(['failed', 'start: failed']);
  });

  test('of what is done follows how the agent fares', () => {
    const all = { 'a/start': done, 'a/check': done };
    expect(statusWith(all)).toEqual(['done', undefined]);
    expect(statusWith(all, { status: 'degraded', statusReason: '1 of 2 instances is gone' })).toEqual([
      'degraded',
      '1 of 2 instances is gone',
    ]);
    expect(statusWith(all, { status: 'failed' })).toEqual(['failed', undefined]);
    expect(statusWith(all, null)).toEqual(['failed', 'the agent a is not registered any more']);
  });

  test('is waiting where the agent itself is not registered', () => {
    const board = boardOf('d', planOf(machine), factsOf());
    expect(board.agents[0]).toMatchObject({
      status: 'waiting',
      waitingFor: [{ on: 'agent:a', because: 'no agent a is registered; apply its manifest' }],
    });
  });

  test('of a dependant follows a failed dependency, and a degraded one is good enough', () => {
    const plan = planOf(machine, { name: 'b', dependsOn: ['a'], estimateDays: [1, 1], steps: [{ name: 's' }] });
    const steps = new Map([['a/start', { state: 'failed', fraction: 0, note: 'exits at once' } as StepFact]]);
    const failed = boardOf('d', plan, factsOf({ steps, agents: registered({ status: 'failed' }) }));
    expect(failed.status).toBe('failed');
    expect(failed.agents[1]).toMatchObject({ status: 'waiting', waitingFor: [{ on: 'a', because: 'failed: start: exits at once' }] });
    expect(failed.nextActions[0]).toMatchObject({
      action: 'repair',
      agent: 'a',
      because: 'Start: exits at once.',
      unblocks: ['b'],
      within: 'now',
    });

    const allDone = new Map([
      ['a/start', done],
      ['a/check', done],
    ]);
    const degraded = boardOf('d', plan, factsOf({ steps: allDone, agents: registered({ status: 'degraded' }) }));
    expect(degraded.status).toBe('degraded');
    expect(degraded.agents[1]!.status).toBe('ready');
    expect(degraded.nextActions.map(({ action, agent }) => [action, agent])).toEqual([
      ['repair', 'a'],
      ['start', 'b'],
    ]);
  });

  test('of the whole is ready, starting, active, then done', () => {
    const plan = planOf(machine);
    const at = (steps: Map<string, StepFact>): string =>
      boardOf('d', plan, factsOf({ steps, agents: registered({ status: 'healthy' }) })).status;
    expect(at(new Map())).toBe('ready');
    expect(at(new Map([['a/start', begun]]))).toBe('starting');
    expect(at(new Map([['a/start', done]]))).toBe('active');
    expect(
      at(
        new Map([
          ['a/start', done],
          ['a/check', done],
        ]),
      ),
    ).toBe('done');
  });

  test('shows the breaker of the agent behind it', () => {
    const board = boardOf('d', planOf(machine), factsOf({ agents: registered({ status: 'degraded', breaker: 'open' }) }));
    expect(board.agents[0]!.breaker).toBe('open');
  });
});

describe('estimates', () => {
  const steps = [
    { name: 'start', source: 'runner' },
    { name: 'check', source: 'probe' },
  ];

  test('come from what such steps took before', () => {
    const history = new Map<string, [number, number]>([['real/start', [0.001, 0.003]]]);
    const board = boardOf(
      'd',
      planOf({ name: 'a', agent: 'real', steps }),
      factsOf({ history, agents: new Map([['real', { status: 'healthy' }]]) }),
    );
    expect(board.agents[0]!.estimateDays).toEqual([0.001, 0.003116]);
    expect(board.agents[0]!.eta!.days).toEqual([0.001, 0.003116]);
  });

  test('that are typed in stand on the board, while what remains follows experience', () => {
    const history = new Map<string, [number, number]>([['a/start', [0.5, 0.5]]]);
    const board = boardOf(
      'd',
      planOf({ name: 'a', estimateDays: [4, 6], steps }),
      factsOf({ history, agents: new Map([['a', { status: 'idle' }]]) }),
    );
    expect(board.agents[0]!.estimateDays).toEqual([4, 6]);
    expect(board.remainingDays).toBe(3);
  });

  test('of traffic shrink with the calls that were seen', () => {
    const plan = planOf({ name: 'a', estimateDays: [2, 2], steps: [{ name: 't', source: 'traffic', share: 0.9, calls: 10 }] });
    const board = boardOf(
      'd',
      plan,
      factsOf({ steps: new Map([['a/t', { state: 'begun', fraction: 0.25 }]]), agents: new Map([['a', { status: 'healthy' }]]) }),
    );
    expect(board.agents[0]!.progress).toBe(0.25);
    expect(board.remainingDays).toBe(1.5);
  });

  test('weigh steps as the manifest says', () => {
    const plan = planOf({ name: 'a', estimateDays: [4, 4], steps: [{ name: 'x', weight: 3 }, { name: 'y' }] });
    const board = boardOf('d', plan, factsOf({ steps: new Map([['a/x', { state: 'done', fraction: 1 }]]) }));
    expect(board.agents[0]!.progress).toBe(0.75);
    expect(board.remainingDays).toBe(1);
  });
});

describe('any board', () => {
  const states = fc.constantFrom<StepFact['state']>('pending', 'begun', 'done', 'failed');
  const boards = fc
    .array(
      fc.record({
        days: fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })),
        needs: fc.array(fc.nat(), { maxLength: 3 }),
        steps: fc.array(states, { minLength: 1, maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((agents) => {
      const plan = planOf(
        ...agents.map(({ days, needs, steps }, index) => ({
          name: `a${index}`,
          estimateDays: [Math.min(...days), Math.max(...days)],
          dependsOn: index === 0 ? [] : [...new Set(needs.map((need) => `a${need % index}`))],
          steps: steps.map((_, at) => ({ name: `s${at}` })),
        })),
      );
      const facts = new Map(
        agents.flatMap(({ steps }, index) =>
          steps.map((state, at): [string, StepFact] => [`a${index}/s${at}`, { state, fraction: state === 'done' ? 1 : 0 }]),
        ),
      );
      return boardOf('d', plan, factsOf({ steps: facts }));
    });

  test('marks as critical what has no slack and is not done, and nothing else', () => {
    fc.assert(fc.property(boards, (board) => board.agents.every((agent) => agent.critical === (agent.slackDays === 0))));
  });

  test('has an agent done exactly when its progress is whole, without eta, slack, priority or anything to wait for', () => {
    fc.assert(
      fc.property(boards, (board) => {
        for (const agent of board.agents) {
          expect(agent.status === 'done').toBe(agent.progress === 1);
          if (agent.status === 'done')
            expect([agent.eta, agent.slackDays, agent.priority, agent.waitingFor]).toEqual([null, null, null, []]);
          else expect(agent.eta!.days[0]).toBeLessThanOrEqual(agent.eta!.days[1]);
        }
      }),
    );
  });

  test('lets an agent wait exactly for the dependencies that are not done', () => {
    fc.assert(
      fc.property(boards, (board) => {
        const status = new Map(board.agents.map((agent) => [agent.name, agent.status]));
        for (const agent of board.agents.filter(({ progress }) => progress < 1)) {
          expect(agent.waitingFor.map(({ on }) => on)).toEqual(agent.dependsOn.filter((name) => status.get(name) !== 'done'));
          if (agent.status === 'ready' || agent.status === 'parallel') expect(agent.waitingFor).toEqual([]);
          if (agent.status === 'parallel') expect(agent.dependsOn).toEqual([]);
        }
      }),
    );
  });

  test('offers to start all that can start, in windows of time that never go back', () => {
    fc.assert(
      fc.property(boards, (board) => {
        const startable = board.agents.filter(({ status }) => status === 'ready' || status === 'parallel').map(({ name }) => name);
        const offered = board.nextActions.filter(({ action }) => action === 'start').map(({ agent }) => agent);
        expect(offered.sort()).toEqual(startable.sort());
        const windows = board.nextActions.map(({ within }) => ['now', '24h', '72h', 'week'].indexOf(within));
        expect(windows).toEqual(windows.toSorted((left, right) => left - right));
      }),
    );
  });
});

describe('members of other kinds', () => {
  const manifest = {
    apiVersion: 'signalbox.dev/v1',
    kind: 'Deployment',
    metadata: { name: 'mixed' },
    spec: {
      agents: [{ name: 'writer', dependsOn: ['token', 'tables'] }],
      members: [
        { kind: 'secret', name: 'token' },
        { kind: 'migration', name: 'tables', command: ['node', 'tables.mjs'], estimateDays: [1, 3] },
        { kind: 'workflow', name: 'research', ref: 'deep-research', dependsOn: ['writer'] },
      ],
    },
  };
  const { plan: mixed } = parseDeploymentManifest('mixed', manifest);
  const registered = new Map([['writer', { status: 'healthy' as const }]]);
  const statuses = (facts: Partial<Facts>): unknown => {
    const board = boardOf('mixed', mixed, factsOf({ agents: registered, ...facts }));
    return board.agents.map(({ name, status, waitingFor }) => [name, status, waitingFor.map(({ on }) => on)]);
  };

  test('stand on the board with their kind, in its critical path, and others wait for them', () => {
    const board = boardOf('mixed', mixed, factsOf({ agents: registered }));
    expect(board.agents.map(({ name, agent, kind }) => [name, agent, kind])).toEqual([
      ['writer', 'writer', undefined],
      ['token', 'token', 'secret'],
      ['tables', 'tables', 'migration'],
      ['research', 'deep-research', 'workflow'],
    ]);
    expect(board.criticalPath).toEqual(['tables', 'writer', 'research']);
    expect(statuses({})).toEqual([
      ['writer', 'waiting', ['token', 'tables']],
      ['token', 'parallel', []],
      ['tables', 'parallel', []],
      ['research', 'waiting', ['writer']],
    ]);
  });

  test('wait for what is missing, by name, and are degraded or failed when it is not well or gone later', () => {
    const missing = { standing: 'missing' as const, note: 'there is no secret token' };
    const done = { state: 'done' as const, fraction: 1 };
    expect(statuses({ members: new Map([['token', missing]]) })).toContainEqual(['token', 'waiting', ['secret:token']]);
    const steps = new Map([['token/probe', done]]);
    expect(statuses({ steps })).toContainEqual(['token', 'done', []]);
    expect(statuses({ steps, members: new Map([['token', missing]]) })).toContainEqual(['token', 'failed', []]);
    const ill = { standing: 'ill' as const, note: 'it could not be asked for' };
    expect(statuses({ steps, members: new Map([['token', ill]]) })).toContainEqual(['token', 'degraded', []]);
  });
});

describe('what is up and lacks what it needs', () => {
  const base = { name: 'base', steps: [{ name: 'start', source: 'runner' }] };
  const needs = (name: string, whenMissing?: string): Record<string, unknown> => ({
    ...{ name, steps: [{ name: 'start', source: 'runner' }] },
    dependsOn: [whenMissing === undefined ? 'base' : { name: 'base', whenMissing }],
  });
  const plan = planOf(base, needs('plain'), needs('waits', 'wait'), needs('soft', 'degrade'), needs('hard', 'stop'), {
    ...{ name: 'bus', steps: [{ name: 'start', source: 'runner' }] },
    dependsOn: [{ name: 'service:bus', whenMissing: 'degrade' }],
  });
  const done = new Map(plan.agents.map(({ name }) => [stepKey(name, 'start'), { state: 'done' as const, fraction: 1 }]));
  const agents = (status: AgentFact['status']): Map<string, AgentFact> =>
    new Map(
      plan.agents.map(({ name }) => [name, name === 'base' ? { status, statusReason: 'no instance is left' } : { status: 'healthy' }]),
    );
  const seen = (facts: Partial<Facts>): unknown[] =>
    boardOf('d', plan, factsOf({ steps: done, ...facts })).agents.map(({ name, status, statusReason, lacks }) => [
      name,
      status,
      ...(statusReason === undefined ? [] : [statusReason]),
      ...(lacks === undefined ? [] : [lacks.map(({ then }) => then)]),
    ]);

  test('says so as its deployment declares, and as before where that says nothing', () => {
    const because = 'failed: no instance is left';
    expect(seen({ agents: agents('failed') })).toEqual([
      ['base', 'failed', 'no instance is left'],
      ['plain', 'done'],
      ['waits', 'done'],
      ['soft', 'degraded', `it goes on without base, which is not there (${because})`, ['degrade']],
      ['hard', 'degraded', `it needs base, which is not there (${because})`, ['stop']],
      ['bus', 'done'],
    ]);
    expect(seen({ agents: agents('healthy') })).toEqual(plan.agents.map(({ name }) => [name, 'done']));
    expect(seen({ agents: agents('degraded') })).toContainEqual(['soft', 'done']);
  });

  test('of a service too; what is not up waits for it, however it could live without', () => {
    const infrastructure = new Map([['service:bus', { isUp: false, because: 'the message bus is down' }]]);
    expect(seen({ agents: agents('healthy'), infrastructure })).toContainEqual([
      'bus',
      'degraded',
      'it goes on without service:bus, which is not there (the message bus is down)',
      ['degrade'],
    ]);
    expect(seen({ agents: agents('healthy'), infrastructure, steps: new Map() })).toContainEqual(['bus', 'waiting']);
    expect(seen({ agents: agents('healthy'), steps: new Map() })).toContainEqual(['soft', 'waiting']);
  });
});
