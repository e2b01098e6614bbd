import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ping } from '@signalbox/shared/bus/ping.js';
import { mcpServerChanged } from '@signalbox/shared/contracts/mcp-server/events.js';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment, type ApplyDeploymentReply } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { deleteDeployment } from '@signalbox/shared/contracts/registry/delete-deployment.js';
import { deploymentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { getDeployment } from '@signalbox/shared/contracts/registry/get-deployment.js';
import { listDeployments } from '@signalbox/shared/contracts/registry/list-deployments.js';
import { reportStep, type ReportStepReply, type ReportStepRequest } from '@signalbox/shared/contracts/registry/report-step.js';
import { startDeployment } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { stopDeployment } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import type { TestIdentity } from '@signalbox/testkit/test-issuer.js';
import { parseAllDocuments } from 'yaml';
import { Boards } from '../src/deployments/boards.ts';
import { agentManifest, deploymentManifest, otherWorkspace, startRegistry, until, type RegistryUnderTest } from './registry.ts';

let registry: RegistryUnderTest;
beforeAll(async () => {
  registry = await startRegistry();
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

type ApplyOptions = { dryRun?: boolean; expectedVersion?: number; as?: TestIdentity };
function apply(manifest: Record<string, unknown>, { as, ...rest }: ApplyOptions = {}): Promise<ApplyDeploymentReply> {
  const { name } = manifest['metadata'] as { name: string };
  return registry.service.request(applyDeployment, { name, manifest, ...rest }, as ? { as } : {});
}
const board = (name: string): Promise<Board> => registry.service.request(getBoard, { name });
const report = (
  deployment: string,
  agent: string,
  step: string,
  state: 'begun' | 'done' | 'failed',
  rest: { note?: string; dryRun?: boolean } = {},
  as: TestIdentity = {},
): Promise<ReportStepReply> => registry.service.request(reportStep, { deployment, agent, step, state, ...rest }, { as });

/** Two agents that people report on, the second after the first. */
const two = (name: string, metadata: Record<string, unknown> = {}): Record<string, unknown> =>
  deploymentManifest(
    name,
    [
      { name: 'first', estimateDays: [1, 3], steps: [{ name: 'x' }, { name: 'y' }] },
      { name: 'second', dependsOn: ['first'], estimateDays: [2, 2], steps: [{ name: 'x' }] },
    ],
    metadata,
  );

describe('applying a deployment', () => {
  test('with a cycle, an unknown dependency or an unknown field is refused by its place, and writes nothing', async () => {
    const reported = { estimateDays: [1, 1], steps: [{ name: 's' }] };
    const bad: [Record<string, unknown>[], string, string][] = [
      [
        [
          { name: 'a', dependsOn: ['b'], ...reported },
          { name: 'b', dependsOn: ['a'], ...reported },
        ],
        '/spec/agents/0/dependsOn',
        'goes round in a circle: a waits for b waits for a',
      ],
      [
        [{ name: 'a', dependsOn: ['nobody'], ...reported }],
        '/spec/agents/0/dependsOn/0',
        'names nobody, which is no agent or member of this deployment',
      ],
      [[{ name: 'a', status: 'done', ...reported }], '/spec/agents/0/status', 'is not a known field'],
    ];
    for (const [agents, pointer, detail] of bad) {
      await expect(apply(deploymentManifest('bad', agents))).rejects.toMatchObject({ code: 'invalid', errors: [{ pointer, detail }] });
    }
    await expect(board('bad')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is not for viewers and agents, and neither is anything else that changes one', async () => {
    await apply(two('guarded'));
    for (const role of ['viewer', 'agent'] as const) {
      const as: TestIdentity = { roles: [role] };
      await expect(apply(two('theirs'), { as })).rejects.toMatchObject({ code: 'forbidden' });
      await expect(report('guarded', 'first', 'x', 'done', {}, as)).rejects.toMatchObject({ code: 'forbidden' });
      for (const contract of [startDeployment, stopDeployment, deleteDeployment]) {
        await expect(registry.service.request(contract as typeof stopDeployment, { name: 'guarded' }, { as })).rejects.toMatchObject({
          code: 'forbidden',
        });
      }
    }
  });

  test('says what would be, then creates, then changes nothing, then only what is different', async () => {
    const changes = await registry.service.record(deploymentChanged);
    const audits = await registry.service.record(auditEvents.registry);
    const dry = await apply(two('plain'), { dryRun: true });
    expect(dry).toMatchObject({
      action: 'created',
      resource: { name: 'plain', status: 'ready', progress: 0, agents: 2, done: 0, version: 1, started: false },
    });
    await expect(board('plain')).rejects.toMatchObject({ code: 'not_found' });
    const created = await apply(two('plain'), { expectedVersion: 0 });
    expect(created).toMatchObject({ action: 'created', resource: { hash: dry.resource.hash, eta: { days: [3, 5] } } });
    await expect(apply(two('plain'))).resolves.toMatchObject({ action: 'unchanged', changes: [] });
    await report('plain', 'first', 'x', 'done');
    const other = structuredClone(two('plain')) as { spec: { agents: { steps: { name: string }[] }[] } };
    other.spec.agents[0]!.steps[1]!.name = 'z';
    await expect(apply(other, { expectedVersion: 0 })).rejects.toMatchObject({ code: 'conflict', status: 412 });
    await expect(apply(other, { dryRun: true })).resolves.toMatchObject({
      changes: [{ path: 'spec.agents[0].steps[1].name', from: 'y', to: 'z' }],
    });
    await expect(apply(other, { expectedVersion: 1 })).resolves.toMatchObject({
      action: 'updated',
      resource: { version: 2, progress: 0.25 },
    });
    await audits.next(({ action, target }) => action === 'deployment.apply' && target === 'deployment plain');
    await changes.next(({ change, name, progress }) => change === 'manifest' && name === 'plain' && progress === 0.25);
  });

  test('drops steps that are gone or are found out otherwise', async () => {
    await apply(two('moved'));
    await report('moved', 'first', 'x', 'done');
    await report('moved', 'first', 'y', 'done');
    await registry.service.request(applyAgent, { name: 'first', manifest: agentManifest('first') });
    await apply(
      deploymentManifest('moved', [
        { name: 'first', estimateDays: [1, 3], steps: [{ name: 'x', source: 'probe' }, { name: 'y' }] },
        { name: 'second', dependsOn: ['first'], estimateDays: [2, 2], steps: [{ name: 'x' }] },
      ]),
    );
    const { steps } = await registry.service.request(getDeployment, { name: 'moved' });
    expect(steps.map(({ agent, step, state }) => [agent, step, state])).toEqual([
      ['first', 'x', 'pending'],
      ['first', 'y', 'done'],
      ['second', 'x', 'pending'],
    ]);
  });
});

describe('a deployment of another workspace', () => {
  test('is as unknown as none', async () => {
    await apply(two('private'));
    const as = { workspace: otherWorkspace };
    for (const contract of [getDeployment, getBoard, startDeployment, stopDeployment, deleteDeployment]) {
      await expect(registry.service.request(contract as typeof getDeployment, { name: 'private' }, { as })).rejects.toMatchObject({
        code: 'not_found',
        detail: 'there is no deployment private',
      });
    }
    await expect(report('private', 'first', 'x', 'done', {}, as)).rejects.toMatchObject({ code: 'not_found' });
    await expect(registry.service.request(listDeployments, {}, { as })).resolves.toEqual({ data: [], nextCursor: null });
  });
});

describe('a step report', () => {
  test('is attributed, audited, told, and the same again changes nothing', async () => {
    await apply(two('reported'));
    const changes = await registry.service.record(deploymentChanged);
    const audits = await registry.service.record(auditEvents.registry);
    const ada: TestIdentity = { principal: newId('user'), name: 'ada', roles: ['operator'] };
    await expect(report('reported', 'first', 'x', 'begun', { dryRun: true }, ada)).resolves.toMatchObject({
      action: 'created',
      changes: [{ path: 'state', to: 'begun' }],
    });
    expect((await board('reported')).agents[0]!.status).toBe('parallel');
    await expect(report('reported', 'first', 'x', 'begun', { note: 'at it' }, ada)).resolves.toMatchObject({
      action: 'created',
      resource: { agent: 'first', step: 'x', source: 'reported', state: 'begun', note: 'at it', by: ada.principal },
    });
    await expect(changes.next(({ step }) => step === 'x')).resolves.toMatchObject({
      change: 'step',
      name: 'reported',
      agent: 'first',
      state: 'begun',
      reason: 'at it',
      status: 'active',
    });
    await expect(audits.next(({ action }) => action === 'step.report')).resolves.toMatchObject({
      principal: ada.principal,
      target: 'deployment reported',
      detail: { agent: 'first', step: 'x', state: 'begun' },
    });
    await expect(report('reported', 'first', 'x', 'begun', { note: 'at it' })).resolves.toMatchObject({
      action: 'unchanged',
      changes: [],
      resource: { by: ada.principal },
    });
    const done = await report('reported', 'first', 'x', 'done', {}, ada);
    expect(done).toMatchObject({
      action: 'updated',
      changes: [
        { path: 'note', from: 'at it' },
        { path: 'state', from: 'begun', to: 'done' },
      ],
    });
    expect(Date.parse(done.resource.endedAt!)).toBeGreaterThanOrEqual(Date.parse(done.resource.begunAt!));
    await changes.next(({ step, state }) => step === 'x' && state === 'done');
    expect(changes.heard.filter(({ payload }) => payload.change === 'step')).toHaveLength(2);
    expect(changes.heard.map(({ version }) => version)).toEqual([...changes.heard.map(({ version }) => version)].sort((a, b) => a - b));
  });

  test('moves the board: failed is to be repaired, done lets the next begin', async () => {
    await apply(two('moving'));
    await report('moving', 'first', 'x', 'failed', { note: 'the tests are red' });
    const failed = await board('moving');
    expect(failed).toMatchObject({
      status: 'failed',
      agents: [
        { status: 'failed', statusReason: 'x: the tests are red' },
        { status: 'waiting', waitingFor: [{ on: 'first', because: 'failed: x: the tests are red' }] },
      ],
    });
    expect(failed.nextActions[0]).toMatchObject({ action: 'repair', agent: 'first', within: 'now' });
    await report('moving', 'first', 'x', 'done');
    await report('moving', 'first', 'y', 'done');
    await expect(board('moving')).resolves.toMatchObject({
      status: 'active',
      agents: [
        { status: 'done', eta: null },
        { status: 'ready', waitingFor: [] },
      ],
      criticalPath: ['second'],
      remainingDays: 2,
    });
    await report('moving', 'second', 'x', 'done');
    await expect(board('moving')).resolves.toMatchObject({ status: 'done', progress: 1, eta: null, criticalPath: [], nextActions: [] });
  });

  test('of what is not there, or is not people to say, is refused', async () => {
    await apply(deploymentManifest('mixed', [{ name: 'a' }]));
    await expect(report('nowhere', 'a', 'x', 'done')).rejects.toMatchObject({ code: 'not_found' });
    await expect(report('mixed', 'b', 'x', 'done')).rejects.toMatchObject({ code: 'not_found', detail: 'the deployment has no agent b' });
    await expect(report('mixed', 'a', 'x', 'done')).rejects.toMatchObject({ code: 'not_found', detail: 'the agent a has no step x' });
    await expect(report('mixed', 'a', 'start', 'done')).rejects.toMatchObject({
      code: 'conflict',
      detail: 'the step start is not reported: Signalbox finds out itself (runner)',
    });
    await expect(report('mixed', 'a', 'start', 'finished' as 'done')).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('the list of deployments', () => {
  test('goes in pages, filters by labels, words and computed status', async () => {
    for (const name of ['list-a', 'list-b', 'list-c'])
      await apply(two(name, { labels: { example: 'list' }, description: `About ${name}` }));
    await report('list-b', 'first', 'x', 'begun');
    const list = (request: object): Promise<{ data: { name: string }[]; nextCursor: string | null }> =>
      registry.service.request(listDeployments, request);
    const names = async (request: object): Promise<string[]> =>
      (await list({ labels: ['example=list'], ...request })).data.map(({ name }) => name);
    const first = await list({ labels: ['example=list'], limit: 2 });
    expect(first.data.map(({ name }) => name)).toEqual(['list-a', 'list-b']);
    expect(await names({ limit: 2, cursor: first.nextCursor })).toEqual(['list-c']);
    expect(await names({ status: 'active' })).toEqual(['list-b']);
    expect(await names({ status: 'ready', limit: 1 })).toEqual(['list-a']);
    expect(await names({ q: 'about list-C' })).toEqual(['list-c']);
    await expect(list({ cursor: 'x' })).rejects.toMatchObject({ code: 'invalid' });
    using of = jest.spyOn(registry.service.app.get(Boards), 'of');
    await list({ labels: ['example=list'], limit: 1 });
    // One more than the page says whether another follows.
    expect(of.mock.calls.map(([, rows]) => rows.length)).toEqual([2]);
  });
});

describe('the example of nine agents', () => {
  const documents = (file: string): Record<string, unknown>[] =>
    parseAllDocuments(readFileSync(new URL(`../../../examples/deployment-board/${file}`, import.meta.url), 'utf8'))
      .map((document) => document.toJS() as Record<string, unknown> | null)
      .filter((document) => document !== null);

  test('gives its board by being applied alone', async () => {
    for (const manifest of documents('1-agents.yaml')) {
      await registry.service.request(applyAgent, { name: (manifest['metadata'] as { name: string }).name, manifest });
    }
    await apply(documents('2-deployment.yaml')[0]!);
    for (const manifest of documents('3-reports.yaml')) await registry.service.request(reportStep, manifest['spec'] as ReportStepRequest);
    const seen = await board('nine-agents');
    expect(Object.fromEntries(seen.agents.map(({ name, status, slackDays }) => [name, [status, slackDays]]))).toEqual({
      'database-architect': ['done', null],
      'mcp-server-manager': ['ready', 0],
      'agent-registry': ['ready', 0],
      'protocol-manager': ['active', 0],
      'context-manager': ['waiting', 1],
      'workflow-execution': ['waiting', 0],
      'api-endpoint': ['waiting', 0],
      security: ['parallel', 4.5],
      testing: ['parallel', 3.5],
    });
    expect(seen).toMatchObject({
      remainingDays: 8,
      eta: { days: [7, 9] },
      criticalPath: ['agent-registry', 'workflow-execution'],
      status: 'active',
    });
    expect(seen.nextActions.slice(0, 4).map(({ agent }) => agent)).toEqual(['agent-registry', 'mcp-server-manager', 'testing', 'security']);
    const ifSlips = (agent: string, days: number) => registry.service.request(getBoard, { name: 'nine-agents', slips: [{ agent, days }] });
    await expect(ifSlips('security', 4.5)).resolves.toMatchObject({ remainingDays: 8 });
    await expect(ifSlips('agent-registry', 1)).resolves.toMatchObject({ remainingDays: 9 });
    await expect(ifSlips('database-architect', 1)).rejects.toMatchObject({ code: 'invalid', errors: [{ pointer: '/slips/0/agent' }] });
    const { plan } = await registry.service.request(startDeployment, { name: 'nine-agents', dryRun: true });
    expect(plan.map(({ name, wave, action }) => [name, wave, action])).toEqual([
      ['database-architect', 1, 'report'],
      ['protocol-manager', 1, 'report'],
      ['security', 1, 'report'],
      ['testing', 1, 'report'],
      ['agent-registry', 2, 'report'],
      ['mcp-server-manager', 2, 'report'],
      ['api-endpoint', 3, 'report'],
      ['context-manager', 3, 'report'],
      ['workflow-execution', 3, 'report'],
    ]);
  });
});

describe('infrastructure', () => {
  test('that is down is waited for, by what it says itself', async () => {
    const { service } = registry;
    const agents = [
      {
        name: 'a',
        dependsOn: ['service:execution', 'service:bus', 'service:database', 'mcp-server:files'],
        estimateDays: [1, 1],
        steps: [{ name: 's' }],
      },
    ];
    await apply(deploymentManifest('based', agents));
    await expect(board('based')).resolves.toMatchObject({
      agents: [
        {
          status: 'waiting',
          waitingFor: [
            { on: 'service:execution', because: 'execution is down: unavailable: execution is not running' },
            { on: 'mcp-server:files', because: 'no MCP server of this name has been heard of' },
          ],
        },
      ],
    });
    let postgresql = 'gone fishing';
    await service.answer(ping.execution, () => ({ version: '1', uptimeS: 1, memoryBytes: 1, checks: { postgresql } }));
    const server = { id: newId('mcp'), name: 'files', transport: 'stdio' as const, change: 'status' as const, tools: 0, restarts: 0 };
    await service.publish(mcpServerChanged, { ...server, status: 'failed', statusReason: 'it exits at once' }, { version: 3 });
    const waiting = async (): Promise<unknown> => (await board('based')).agents[0]!.waitingFor;
    await until(
      'what the parts say',
      async () =>
        JSON.stringify(await waiting()) ===
        JSON.stringify([
          { on: 'service:execution', because: 'execution is down: postgresql: gone fishing' },
          { on: 'mcp-server:files', because: 'it is failed: it exits at once' },
        ]),
    );
    postgresql = 'ok';
    await service.publish(mcpServerChanged, { ...server, status: 'starting' }, { version: 2 });
    await service.publish(mcpServerChanged, { ...server, status: 'ready', tools: 3 }, { version: 4 });
    await until('all to be there', async () => (await board('based')).agents[0]!.status === 'ready');
    await service.publish(mcpServerChanged, { ...server, status: 'ready', change: 'deleted' }, { version: 5 });
    await until('the server to be gone', async () => (await board('based')).agents[0]!.status === 'waiting');
    // Nobody else waits for the deployment while a service is asked.
    const boards = service.app.get(Boards);
    const look = boards.look.bind(boards);
    using asked = jest.spyOn(boards, 'look').mockImplementation(async (plans) => {
      await service.database.sql(`SELECT 1 FROM deployment WHERE name = 'based' FOR UPDATE NOWAIT`);
      return look(plans);
    });
    await report('based', 'a', 's', 'begun');
    await service.request(deleteDeployment, { name: 'based' });
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test('behind an agent of kind mcp makes its status', async () => {
    const { service } = registry;
    await service.request(applyAgent, {
      name: 'librarian',
      manifest: agentManifest('librarian', { kind: 'mcp', mcp: { server: 'books' } }),
    });
    await expect(service.request(getAgent, { name: 'librarian' })).resolves.toMatchObject({
      status: 'unknown',
      statusReason: 'its MCP server has not been heard of',
    });
    await service.publish(mcpServerChanged, {
      id: newId('mcp'),
      name: 'books',
      transport: 'stdio',
      change: 'status',
      status: 'ready',
      tools: 1,
      restarts: 0,
    });
    await until('a healthy agent', async () => (await service.request(getAgent, { name: 'librarian' })).status === 'healthy');
  });
});

describe('deleting a deployment', () => {
  test('forgets it, unless it is started or was changed meanwhile', async () => {
    const { service } = registry;
    await apply(two('short'));
    await expect(service.request(deleteDeployment, { name: 'short', expectedVersion: 9 })).rejects.toMatchObject({
      code: 'conflict',
      status: 412,
    });
    await service.request(startDeployment, { name: 'short' });
    await expect(service.request(deleteDeployment, { name: 'short' })).rejects.toMatchObject({ code: 'conflict' });
    await service.request(stopDeployment, { name: 'short' });
    await expect(service.request(deleteDeployment, { name: 'short' })).resolves.toEqual({ name: 'short' });
    await expect(board('short')).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      service.database.sql(`SELECT 1 FROM deployment_step AS s WHERE NOT EXISTS (SELECT 1 FROM deployment AS d WHERE d.id = s.deployment)`),
    ).resolves.toEqual([]);
  });
});
