import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { listState } from '@signalbox/shared/contracts/context/list-state.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { getMcpServer } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { findSecret } from '@signalbox/shared/contracts/security/find-secret.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { deploymentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { getDrift } from '@signalbox/shared/contracts/registry/get-drift.js';
import { repairDrift, type RepairDriftReply } from '@signalbox/shared/contracts/registry/repair-drift.js';
import type { AgentScaleDetail } from '@signalbox/shared/contracts/registry/scale.js';
import { getScale } from '@signalbox/shared/contracts/registry/get-scale.js';
import { listScales } from '@signalbox/shared/contracts/registry/list-scales.js';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { startDeployment } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { deploymentManifest, until } from './registry.ts';
import { registry, gateway, agent, localWorker, deploy, deployAll, board, untilStatus, stop } from './bring-up.ts';

describe('a pool of workers', () => {
  test('grows and shrinks with what waits for it, and says why', async () => {
    let waiting = 0;
    let missing = 0;
    await registry.service.answer(listLimits, () => ({
      data: [
        {
          kind: 'agent' as const,
          name: 'pool',
          key: null,
          concurrency: null,
          rate: null,
          waiting,
          running: 0,
          oldestAt: null,
          holders: [],
        },
      ],
      ...{ nextCursor: null, calls: { places: 1, most: 1, running: 0 }, missing },
    }));
    await localWorker('pool', { autoscale: { min: 1, max: 3, upAfterMs: 0, downAfterMs: 1_500, drainMs: 7_000 } });
    await localWorker('fixed');
    await expect(registry.service.request(getScale, { agent: 'fixed' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(registry.service.request(getScale, { agent: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    await deploy('pool', { name: 'workers', agent: 'pool' });
    await untilStatus('pool', 'done');
    const live = async (): Promise<number> => (await registry.service.request(getAgent, { name: 'pool' })).instances.live;
    expect(await live()).toBe(1);
    expect(gateway.beats.find((beat) => beat.agent === 'pool')!.environment).toContain('SIGNALBOX_DRAIN_MS');

    waiting = 9;
    await until('three processes', async () => (await live()) === 3);
    const grown = await registry.service.request(getScale, { agent: 'pool' });
    expect(grown).toMatchObject({
      runner: 'local',
      min: 1,
      max: 3,
      waiting: 9,
      wanted: 3,
      live: 3,
      changes: [{ deployment: 'pool', from: 1, to: 3 }],
    });
    expect(grown.because).toBe('9 wait and 0 are in hand, at 1 a process; more than 3 there may not be');
    await expect(registry.service.request(getDrift, { name: 'pool' })).resolves.toMatchObject({ items: [] });

    // What is not known changes nothing.
    waiting = 0;
    missing = 1;
    await until('execution to be away', () =>
      registry.service.request(getScale, { agent: 'pool' }).then(
        () => false,
        (fault: Fault) => fault.code === 'unavailable',
      ),
    );
    expect(await live()).toBe(3);
    missing = 0;
    await until('one process', async () => (await live()) === 1, 20_000);
    const shrunk = await registry.service.request(getScale, { agent: 'pool' });
    expect(shrunk.changes).toMatchObject([
      { from: 3, to: 1, because: expect.stringMatching(/^0 wait/) },
      { from: 1, to: 3 },
    ]);
    // Each says goodbye as it ends, which is heard a little after the process is gone.
    const gone = async (): Promise<unknown[]> => {
      const { data } = await registry.service.request(listInstances, { agent: 'pool' });
      return data.filter(({ status }) => status === 'gone').map(({ statusReason }) => statusReason);
    };
    await until('two goodbyes', async () => (await gone()).length === 2);
    expect(await gone()).toEqual(['it said goodbye', 'it said goodbye']);
    await expect(registry.service.request(listScales, {})).resolves.toMatchObject({
      data: [{ agent: 'pool', wanted: 1 }],
      nextCursor: null,
    });
    await stop('pool');
  }, 60_000);

  let looks = 0;

  /** What waits, by agent, as execution tells it. */
  async function queues(of: Record<string, { waiting: number; oldestMs: number }>): Promise<void> {
    await registry.service.answer(listLimits, () => {
      looks++;
      const data = Object.entries(of).map(([name, { waiting, oldestMs }]) => ({
        ...{ kind: 'agent' as const, name, key: null, concurrency: null, rate: null, waiting, running: 0, holders: [] },
        oldestAt: waiting === 0 ? null : new Date(Date.now() - oldestMs).toISOString(),
      }));
      return { data, nextCursor: null, calls: { places: 1, most: 1, running: 0 }, missing: 0 };
    });
  }

  test('of two deployments that share an agent keeps no more processes together than what waits asks for', async () => {
    await localWorker('shared', { autoscale: { min: 1, max: 6, upAfterMs: 0, downAfterMs: 60_000 } });
    const of = { shared: { waiting: 0, oldestMs: 0 } };
    await queues(of);
    for (const name of ['share-a', 'share-b']) await deploy(name, { name: 'workers', agent: 'shared' });
    for (const name of ['share-a', 'share-b']) await untilStatus(name, 'done');
    of.shared.waiting = 4;
    const scale = (): Promise<AgentScaleDetail> => registry.service.request(getScale, { agent: 'shared' });
    await until('four processes', async () => (await scale()).live >= 4);
    // Some looks later it is as it was.
    const { changes } = await scale();
    const before = looks;
    await until('more looks', () => Promise.resolve(looks >= before + 3));
    expect(await scale()).toMatchObject({ live: 4, changes });
    for (const name of ['share-a', 'share-b']) await stop(name);
  }, 60_000);

  test('grows while a task waits longer than none should, however few wait', async () => {
    await localWorker('late', { autoscale: { min: 1, max: 2, targetQueue: 100, targetLatencyMs: 500, upAfterMs: 0 } });
    const of = { late: { waiting: 1, oldestMs: 400 } };
    await queues(of);
    await deploy('late', { name: 'workers', agent: 'late' });
    await untilStatus('late', 'done');
    const scale = (): Promise<AgentScaleDetail> => registry.service.request(getScale, { agent: 'late' });
    expect(await scale()).toMatchObject({ live: 1, changes: [] });
    of.late.oldestMs = 2_000;
    await until('another process', async () => (await scale()).live === 2);
    expect((await scale()).changes).toMatchObject([
      { from: 1, to: 2, because: expect.stringMatching(/^a task has waited for \d\.\d s, longer than 0\.5 s/) },
    ]);
    await stop('late');
  }, 60_000);
});

describe('members of other kinds', () => {
  const at = new Date().toISOString();
  const secrets = new Set<string>();
  let workflow: { hash: string; agent: string } | null = null;
  let serverStatus: 'ready' | 'failed' | null = null;

  beforeAll(async () => {
    const { service } = registry;
    await service.answer(findSecret, ({ name }) => ({ version: secrets.has(name) ? 3 : null }));
    await service.answer(getWorkflow, ({ name }) => {
      if (workflow === null) throw new Fault('not_found', `there is no workflow ${name}`, 'Apply it.');
      const { hash, agent: called } = workflow;
      const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps: { a: { agent: called } } } };
      const view = { name, description: null, labels: {}, hash, version: 1, steps: 1, input: null, createdAt: at, updatedAt: at };
      return { ...view, manifest };
    });
    await service.answer(getMcpServer, ({ name }) => {
      if (serverStatus === null) throw new Fault('not_found', `there is no MCP server ${name}`, 'Apply it.');
      return {
        ...{
          id: newId('mcp'),
          name,
          description: '',
          labels: {},
          transport: 'stdio' as const,
          status: serverStatus,
          tools: 2,
          restarts: 0,
        },
        ...{ version: 4, createdAt: at, updatedAt: at, stderr: [], serverInfo: null, manifest: {} },
      };
    });
    await service.answer(listState, () => ({ data: [], nextCursor: null }));
  });

  const memberOf = async (name: string, member: string): Promise<Board['agents'][number]> =>
    (await board(name)).agents.find((one) => one.name === member)!;
  const untilMember = (name: string, member: string, status: string): Promise<Board['agents'][number]> =>
    until(`${member} to be ${status}`, async () => {
      const seen = await memberOf(name, member);
      return seen.status === status && seen;
    }).catch(async (error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify((await board(name)).agents)}`);
    });

  test('of a deployment that is not started are asked by who looks at it, with their rights', async () => {
    const members = [
      { kind: 'secret', name: 'early' },
      { kind: 'workflow', name: 'research', hash: `sha256:${'7'.repeat(64)}` },
      { kind: 'context-store', name: 'notes' },
    ];
    workflow = { hash: `sha256:${'8'.repeat(64)}`, agent: 'member-page' };
    await registry.service.request(applyDeployment, { name: 'early', manifest: deploymentManifest('early', [], {}, members) });
    expect((await board('early')).agents.map(({ name, status, statusReason }) => [name, status, statusReason])).toEqual([
      ['early', 'waiting', 'there is no secret early; set it: signalbox secrets set early'],
      ['research', 'parallel', expect.stringContaining('is applied at sha256:888')],
      ['notes', 'parallel', 'the shared state of workspace can be read'],
    ]);
    const { items } = await registry.service.request(getDrift, { name: 'early' });
    expect(items.filter(({ aspect }) => aspect !== 'steps').map(({ member, aspect }) => `${member} ${aspect}`)).toEqual([
      'early missing',
      'research version',
    ]);
    // Who may not ask is told what the manifest says.
    const viewer = { as: { roles: ['viewer' as const], scopes: ['deployments:read'] } };
    expect((await registry.service.request(getBoard, { name: 'early' }, viewer)).agents[0]?.status).toMatch(/^(?:parallel|waiting)$/);
    workflow = null;
  });

  test('are asked of the service that owns them, wait for what is missing by name, and tell when they go', async () => {
    await agent('member-page', { kind: 'http', http: { url: 'https://x.test' } });
    const hash = `sha256:${'5'.repeat(64)}`;
    const changes = await registry.service.record(deploymentChanged);
    await deployAll(
      'mixed',
      [{ name: 'member-page', dependsOn: ['token', 'notes'] }],
      [
        { kind: 'secret', name: 'token' },
        { kind: 'context-store', name: 'notes' },
        { kind: 'workflow', name: 'research', hash, dependsOn: ['member-page'] },
        { kind: 'mcp-server', name: 'papers', tools: ['read', 'burn'] },
      ],
    );
    await until('the missing secret', async () => (await memberOf('mixed', 'token')).waitingFor[0]?.on === 'secret:token');
    expect(await memberOf('mixed', 'token')).toMatchObject({
      kind: 'secret',
      status: 'waiting',
      waitingFor: [{ on: 'secret:token', because: 'there is no secret token; set it: signalbox secrets set token' }],
    });
    await until('the missing server', async () => (await memberOf('mixed', 'papers')).waitingFor[0]?.on === 'mcp-server:papers');
    await untilMember('mixed', 'notes', 'done');
    expect((await memberOf('mixed', 'member-page')).status).toBe('waiting');
    secrets.add('token');
    serverStatus = 'ready';
    await untilMember('mixed', 'member-page', 'done');
    await until('the missing tool', async () => (await memberOf('mixed', 'papers')).statusReason?.includes('lists no burn'));
    workflow = { hash: `sha256:${'6'.repeat(64)}`, agent: 'member-page' };
    await until('another hash', async () => (await memberOf('mixed', 'research')).statusReason?.includes('is applied at'));
    const wasAsked: object[] = [];
    await registry.service.answer(applyWorkflow, ({ name, hash: wanted, dryRun = false }) => {
      wasAsked.push({ name, wanted, dryRun });
      if (wasAsked.length === 1) throw new Fault('not_found', `no workflow ${name} of the hash ${wanted} is kept`, 'Look.');
      const resource = { name, description: null, labels: {}, hash, version: 2, steps: 1, input: null, createdAt: at, updatedAt: at };
      if (!dryRun) workflow = { hash, agent: 'late-page' };
      return { action: 'updated' as const, changes: [], resource };
    });
    const repair = (dryRun: boolean): Promise<RepairDriftReply> => registry.service.request(repairDrift, { name: 'mixed', dryRun });
    expect((await repair(true)).left).toContainEqual(
      expect.objectContaining({
        member: 'research',
        because: expect.stringContaining('is kept'),
        next: expect.stringMatching(/^Apply its/),
      }),
    );
    expect((await repair(true)).repairs).toContainEqual(expect.objectContaining({ member: 'research', repair: 'revert' }));
    expect(workflow).toMatchObject({ agent: 'member-page' });
    await repair(false);
    expect(wasAsked.at(-1)).toEqual({ name: 'research', wanted: hash, dryRun: false });
    await until('an unknown agent', async () => (await memberOf('mixed', 'research')).statusReason?.includes('not registered: late-page'));
    await agent('late-page', { kind: 'http', http: { url: 'https://x.test' } });
    await untilMember('mixed', 'research', 'done');
    secrets.delete('token');
    await untilMember('mixed', 'token', 'failed');
    await changes.next(
      ({ change, agent: name, reason }) => change === 'status' && name === 'token' && reason?.startsWith('there is no') === true,
    );
    secrets.add('token');
    await untilMember('mixed', 'token', 'done');
    await stop('mixed');
  });

  test('migrations run once, in order, and again only when their command is another or they failed', async () => {
    const ran = join(await mkdtemp(join(tmpdir(), 'migration-')), 'ran');
    const migration = (...args: string[]): Record<string, unknown> => ({
      kind: 'migration',
      name: 'tables',
      command: [
        'node',
        '-e',
        `require('node:fs').appendFileSync(${JSON.stringify(ran)}, process.argv[1] + process.env.SIGNALBOX_DEPLOYMENT + ';')`,
        ...args,
      ],
    });
    const runs = (): Promise<string> => readFile(ran, 'utf8').catch(() => '');
    const after = {
      kind: 'migration',
      name: 'later',
      command: ['node', '-e', "console.error('no such column'); process.exit(3)"],
      dependsOn: ['tables'],
    };
    const { plan } = await deployAll('migrated', [], [migration('one'), after]);
    expect(plan).toMatchObject([
      { name: 'tables', kind: 'migration', action: 'run' },
      { name: 'later', action: 'run' },
    ]);
    const failed = await untilMember('migrated', 'later', 'failed');
    expect(failed.statusReason).toBe('run: its command ended with 3; it said: no such column');
    expect(await runs()).toBe('onemigrated;');
    await stop('migrated');
    await registry.service.request(startDeployment, { name: 'migrated' });
    await untilMember('migrated', 'later', 'failed');
    expect(await runs()).toBe('onemigrated;');
    await deployAll('migrated', [], [migration('two')]);
    await untilMember('migrated', 'tables', 'done');
    expect(await runs()).toBe('onemigrated;twomigrated;');
    await stop('migrated');
  });

  test('a migration that is still going ends with its deployment', async () => {
    const waits = { kind: 'migration', name: 'long', command: ['node', '-e', 'setInterval(() => {}, 1000)'] };
    await deployAll('long', [], [waits]);
    await untilMember('long', 'long', 'starting');
    await stop('long');
    await until('the deployment to be let go', () =>
      registry.service.request(startDeployment, { name: 'long' }).then(
        () => true,
        (fault: Fault) => (fault.code === 'conflict' ? false : Promise.reject(fault)),
      ),
    );
    await stop('long');
  });
});
