import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { listState } from '@signalbox/shared/contracts/context/list-state.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { getWorkflow } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { getMcpServer } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { findSecret } from '@signalbox/shared/contracts/security/find-secret.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { mcpServerChanged } from '@signalbox/shared/contracts/mcp-server/events.js';
import { listModels } from '@signalbox/shared/contracts/protocol/list-models.js';
import { instancesMeasured } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { abortRollout } from '@signalbox/shared/contracts/registry/abort-rollout.js';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { beatInstance } from '@signalbox/shared/contracts/registry/beat-instance.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { agentChanged, deploymentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import type { Drift } from '@signalbox/shared/contracts/registry/drift.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { getDrift } from '@signalbox/shared/contracts/registry/get-drift.js';
import { repairDrift, type RepairDriftReply } from '@signalbox/shared/contracts/registry/repair-drift.js';
import type { AgentScaleDetail } from '@signalbox/shared/contracts/registry/scale.js';
import { getScale } from '@signalbox/shared/contracts/registry/get-scale.js';
import { listScales } from '@signalbox/shared/contracts/registry/list-scales.js';
import { listLimits } from '@signalbox/shared/contracts/execution/list-limits.js';
import { getIncident } from '@signalbox/shared/contracts/registry/get-incident.js';
import { isolateAgent } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { listIncidents } from '@signalbox/shared/contracts/registry/list-incidents.js';
import type { Isolation } from '@signalbox/shared/contracts/registry/isolation.js';
import { listIsolations } from '@signalbox/shared/contracts/registry/list-isolations.js';
import { recoverAgent } from '@signalbox/shared/contracts/registry/recover-agent.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { releaseAgent } from '@signalbox/shared/contracts/registry/release-agent.js';
import { promoteRollout } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { reportStep } from '@signalbox/shared/contracts/registry/report-step.js';
import { startDeployment, type StartDeploymentReply } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { stopDeployment } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { runProgressed } from '@signalbox/shared/contracts/execution/run-event.js';
import { invokeAgent, type InvokeAgentRequest } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { BeatGateway } from './beat-gateway.ts';
import { LocalRunner } from '../src/runners/local-runner.ts';
import { agentManifest, deploymentManifest, startRegistry, until, type RegistryUnderTest } from './registry.ts';

const workerFile = fileURLToPath(new URL('beating-worker.mjs', import.meta.url));

let registry: RegistryUnderTest;
const gateway = new BeatGateway(() => registry);
beforeAll(async () => {
  registry = await startRegistry({
    HEARTBEAT_MS: '1000',
    MISSED_BEATS: '5',
    ROLLOUT_LOOK_MS: '100',
    SIGNALBOX_URL: await gateway.start(),
    RUNNER_CWD: fileURLToPath(new URL('.', import.meta.url)),
    NODE_EXTRA_CA_CERTS: fileURLToPath(import.meta.url), // any file: Node warns of one without certificates
  });
  await registry.service.answer(listTools, ({ server }) => ({
    data: ['read', 'list'].map((name) => ({ server: server!, name, description: '', inputSchema: {} })),
    nextCursor: null,
  }));
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await gateway.stop();
});

const skills = [{ name: 'work', description: 'Does it.' }];

async function agent(name: string, spec: Record<string, unknown>): Promise<void> {
  await registry.service.request(applyAgent, { name, manifest: agentManifest(name, spec) });
}

const localWorker = (name: string, worker: Record<string, unknown> = {}, mode = 'well'): Promise<void> =>
  agent(name, {
    kind: 'worker',
    skills,
    worker: { runner: 'local', command: ['node', workerFile, mode], env: { GREETING: 'hello' }, ...worker },
  });

async function deploy(name: string, ...agents: Record<string, unknown>[]): Promise<StartDeploymentReply> {
  await registry.service.request(applyDeployment, { name, manifest: deploymentManifest(name, agents) });
  return registry.service.request(startDeployment, { name });
}

async function deployAll(
  name: string,
  agents: Record<string, unknown>[],
  members: Record<string, unknown>[],
): Promise<StartDeploymentReply> {
  const manifest = deploymentManifest(name, agents, {}, members);
  await registry.service.request(applyDeployment, { name, manifest });
  return until('the deployment to be let go', () =>
    registry.service.request(startDeployment, { name }).catch((fault: Fault) => (fault.code === 'conflict' ? null : Promise.reject(fault))),
  );
}

const board = (name: string): Promise<Board> => registry.service.request(getBoard, { name });
const untilStatus = (name: string, status: string, timeoutMs = 15_000): Promise<Board> =>
  until(
    `${name} to be ${status}`,
    async () => {
      const seen = await board(name);
      return seen.status === status && seen;
    },
    timeoutMs,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify((await board(name)).agents)}`);
  });
const stop = (name: string): Promise<unknown> => registry.service.request(stopDeployment, { name });

/** A run of one step, as execution answers it. */
function runView(call: InvokeAgentRequest, status: RunView['status'], output: unknown): RunView {
  const at = new Date().toISOString();
  return {
    ...{
      id: newId('run'),
      workflow: call.agent,
      workflowHash: `sha256:${'0'.repeat(64)}`,
      status,
      reason: null,
      labels: call.labels ?? {},
    },
    ...{ input: call.input, output, error: null, parent: null, startedBy: 'user_test', createdAt: at, startedAt: at, endedAt: at },
    progress: { total: 1, done: 1, running: 0, waiting: 0, failed: 0 },
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
  };
}

/** The versions of the instances that beat. */
async function versions(name: string): Promise<number[]> {
  const rows = await registry.service.database.sql(
    `SELECT version FROM instance WHERE agent = '${name}' AND status = 'live' ORDER BY version`,
  );
  return (rows as { version: number }[]).map(({ version }) => version);
}

/** All processes that there are run these versions, and all of them beat. */
function untilVersions(name: string, wanted: number[], timeoutMs = 20_000): Promise<unknown> {
  return until(
    `processes of versions ${wanted.join(', ')}`,
    async () => {
      const processes = await registry.service.database.sql(`SELECT slot FROM runner_process WHERE registered_agent = '${name}'`);
      return processes.length === wanted.length && (await versions(name)).join() === wanted.join();
    },
    timeoutMs,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the local runner', () => {
  test('brings agents up in order of their dependencies, each step seen', async () => {
    await localWorker('up-first');
    await localWorker('up-second', { replicas: 2 });
    const changes = await registry.service.record(deploymentChanged);
    const { plan, resource } = await deploy(
      'up',
      { name: 'second', agent: 'up-second', dependsOn: ['first'] },
      { name: 'first', agent: 'up-first' },
    );
    expect(resource).toMatchObject({ started: true });
    expect(plan).toMatchObject([
      { name: 'first', wave: 1, action: 'start', because: 'One process is started.' },
      { name: 'second', wave: 2, action: 'start', because: '2 processes are started.' },
    ]);
    const done = await untilStatus('up', 'done');
    expect(done).toMatchObject({ progress: 1, eta: null, agents: [{ status: 'done' }, { status: 'done' }] });
    await changes.next(({ agent: name, step, state }) => name === 'second' && step === 'contract' && state === 'done');
    const seen = changes.heard
      .filter(({ payload }) => payload.name === 'up' && payload.state === 'done')
      .map(({ payload }) => `${payload.agent} ${payload.step}`);
    expect(seen).toEqual(['first start', 'first probe', 'first contract', 'second start', 'second probe', 'second contract']);
    const begun = changes.heard.findIndex(({ payload }) => payload.agent === 'second' && payload.state === 'begun');
    const firstDone = changes.heard.findIndex(
      ({ payload }) => payload.agent === 'first' && payload.step === 'contract' && payload.state === 'done',
    );
    expect(begun).toBeGreaterThan(firstDone);
    await expect(registry.service.request(getAgent, { name: 'up-second' })).resolves.toMatchObject({
      status: 'healthy',
      instances: { live: 2, capacity: 2 },
    });
    await expect(registry.service.request(listInstances, { agent: 'up-first', status: 'live' })).resolves.toMatchObject({
      data: [{ runner: 'local' }],
    });
    const again = await registry.service.request(startDeployment, { name: 'up', dryRun: true });
    expect(again.plan).toMatchObject([{ action: 'keep' }, { action: 'keep' }]);
  });

  test('gives a worker its address, key, names and the certificates that we trust, and nothing else of ours', () => {
    const { environment, instance } = gateway.beats.find((beat) => beat.agent === 'up-first')!;
    // Node hands NODE_V8_COVERAGE to every child while coverage is measured.
    expect(environment.filter((name) => name !== 'NODE_V8_COVERAGE')).toEqual([
      'GREETING',
      'HOME',
      'NODE_EXTRA_CA_CERTS',
      'PATH',
      'SIGNALBOX_AGENT',
      'SIGNALBOX_AGENT_VERSION',
      'SIGNALBOX_API_KEY',
      'SIGNALBOX_CHILD',
      'SIGNALBOX_INSTANCE',
      'SIGNALBOX_SUPERVISOR',
      'SIGNALBOX_URL',
    ]);
    expect(instance).toMatch(/^up-first-0-[0-9a-f]{8}$/);
  });

  test('starts again what was killed, as a new instance', async () => {
    const [pid] = gateway.pids('up-first');
    process.kill(pid!, 'SIGKILL');
    await until('a new process', () => Promise.resolve(gateway.pids('up-first').length === 2));
    await untilStatus('up', 'done');
    const { data } = await registry.service.request(listInstances, { agent: 'up-first' });
    expect(data.map(({ status }) => status).sort()).toEqual(['gone', 'live']);
    expect(data.find(({ status }) => status === 'gone')!.statusReason).toMatch(/^it was ended by SIGKILL/);
  });

  test('replaces processes of an older version when it is started again', async () => {
    await localWorker('up-first', { env: { GREETING: 'good day' } });
    await untilStatus('up', 'done');
    const { plan } = await registry.service.request(startDeployment, { name: 'up' });
    expect(plan).toMatchObject([
      { name: 'first', action: 'restart' },
      { name: 'second', action: 'keep' },
    ]);
    await until('the old process to be gone', () =>
      Promise.resolve(gateway.pids('up-first').filter(isAlive).length === 1 && gateway.pids('up-first').length === 3),
    );
    await untilStatus('up', 'done');
  });

  test('leaves no child and no key behind when it is stopped', async () => {
    const pids = [...gateway.pids('up-first'), ...gateway.pids('up-second')];
    const { instance } = gateway.beats.findLast(({ agent }) => agent === 'up-first')!;
    expect(pids.filter(isAlive).length).toBe(3);
    await expect(stop('up')).resolves.toMatchObject({ resource: { started: false, status: 'ready', progress: 0 } });
    expect(pids.filter(isAlive)).toEqual([]);
    await until('all keys to be taken back', () =>
      Promise.resolve([...registry.keys.values()].every((key) => !key.agent.startsWith('up-'))),
    );
    const idle = { status: 'idle', instances: { live: 0 } };
    await expect(registry.service.request(getAgent, { name: 'up-first' })).resolves.toMatchObject(idle);
    // A beat that was under way when its process was ended.
    await expect(registry.service.request(beatInstance, { agent: 'up-first', instance, capacity: 1, inFlight: 0 })).rejects.toMatchObject({
      code: 'conflict',
      detail: `the process of ${instance} has ended`,
    });
    await expect(registry.service.request(getAgent, { name: 'up-first' })).resolves.toMatchObject(idle);
    await expect(
      registry.service.database.sql(`SELECT * FROM runner_process AS p JOIN deployment AS d ON d.id = p.deployment WHERE d.name = 'up'`),
    ).resolves.toEqual([]);
    await expect(stop('up')).resolves.toMatchObject({ resource: { started: false } });
  });

  test('says why a worker does not come up, with its own last words, and gives up on a crash loop', async () => {
    await localWorker('crashing', {}, 'exits');
    await deploy('crash', { name: 'crashing' });
    const failed = await untilStatus('crash', 'failed', 25_000);
    expect(failed.agents[0]!.statusReason).toMatch(
      /it exited with code 3; it ended 6 times within \d+ s; it said: no configuration was found/,
    );
    expect(failed.nextActions[0]).toMatchObject({ action: 'repair', agent: 'crashing' });
    await expect(registry.service.request(getAgent, { name: 'crashing' })).resolves.toMatchObject({ status: 'failed' });
    await localWorker('crashing');
    const { plan } = await registry.service.request(startDeployment, { name: 'crash' });
    expect(plan[0]).toMatchObject({ action: 'restart' });
    await untilStatus('crash', 'done');
    await stop('crash');
  }, 60_000);

  test('says that there is no such program', async () => {
    await localWorker('missing', { command: ['no-such-program-anywhere'] });
    await deploy('missing', { name: 'missing' });
    await until('the reason', async () =>
      (await board('missing')).agents[0]!.statusReason?.includes('there is no program no-such-program-anywhere'),
    );
    await stop('missing');
  });

  test('finds out that a worker does not do what its manifest says', async () => {
    await localWorker('unskilled', {}, 'unskilled');
    await deploy('unskilled', { name: 'unskilled' });
    const seen = await until('the note', async () => {
      const { agents } = await board('unskilled');
      return agents[0]!.steps.find(({ name }) => name === 'contract')?.note && agents[0]!;
    });
    expect(seen).toMatchObject({ status: 'active', statusReason: 'contract: it announces no work' });
    await stop('unskilled');
  });
});

describe('a registry that ends', () => {
  test('in order takes its workers along, and its successor brings them up again', async () => {
    await localWorker('cared');
    await deploy('cared', { name: 'cared' });
    await untilStatus('cared', 'done');
    const before = gateway.pids('cared');
    await registry.service.stop();
    expect(before.filter(isAlive)).toEqual([]);
    await registry.service.start();
    await until('a new process', () => Promise.resolve(gateway.pids('cared').length === 2));
    await untilStatus('cared', 'done');
    expect([...registry.keys.values()].filter((key) => key.agent === 'cared')).toHaveLength(1);
    await stop('cared');
  });
});

describe('what is not ours to start', () => {
  test('is awaited: an external worker until it beats', async () => {
    await agent('outside', { kind: 'worker', skills, worker: { runner: 'external' } });
    await deploy('outside', { name: 'outside' });
    await until('what is awaited', async () => {
      const { status, agents } = await board('outside');
      return status === 'starting' && agents[0]!.statusReason === 'start: somebody else starts it; its first beat is awaited';
    });
    await registry.service.request(beatInstance, { agent: 'outside', instance: 'i1', capacity: 1, inFlight: 0, skills: ['work', 'more'] });
    await untilStatus('outside', 'done');
    await registry.service.request(beatInstance, { agent: 'outside', instance: 'i1', capacity: 1, inFlight: 0, status: 'gone' });
    await stop('outside');
  });

  test('is looked at: an MCP server by its tools', async () => {
    const { service } = registry;
    await agent('shelf', { kind: 'mcp', mcp: { server: 'shelf', tools: ['read'] } });
    await deploy('shelf', { name: 'shelf', dependsOn: ['mcp-server:shelf'] });
    expect((await board('shelf')).agents[0]!.status).toBe('waiting');
    await service.publish(mcpServerChanged, {
      id: newId('mcp'),
      name: 'shelf',
      transport: 'stdio',
      change: 'status',
      status: 'ready',
      tools: 2,
      restarts: 0,
    });
    const done = await untilStatus('shelf', 'done');
    expect(done.agents[0]!.steps.map(({ note }) => note)).toEqual([
      'its MCP server shelf is ready',
      'its MCP server shelf is ready and lists 2 tools',
      'it (by its server shelf) offers the skill of its manifest',
    ]);
    await agent('shelf', { kind: 'mcp', mcp: { server: 'shelf', tools: ['burn'] } });
    await stop('shelf');
    await service.request(startDeployment, { name: 'shelf' });
    await until('the missing tool', async () => (await board('shelf')).agents[0]!.statusReason?.includes('offers no burn'));
    await stop('shelf');
  });

  test('is asked: a model of its provider, an endpoint by its breaker', async () => {
    const { service } = registry;
    let models = [{ id: 'other', provider: 'p', created: 0 }];
    await service.answer(listModels, () => ({ data: models }));
    await agent('talker', { kind: 'llm', llm: { model: 'small' } });
    await agent('page', { kind: 'http', http: { url: 'https://x.test' } });
    await deploy('called', { name: 'talker' }, { name: 'page' });
    await until('the unknown model', async () =>
      (await board('called')).agents[0]!.statusReason?.includes('the provider knows no model small'),
    );
    await expect(service.request(getAgent, { name: 'talker' })).resolves.toMatchObject({
      status: 'failed',
      statusReason: 'the provider knows no model small',
    });
    models = [{ id: 'small', provider: 'p', created: 0 }];
    await untilStatus('called', 'done');
    await expect(service.request(getAgent, { name: 'talker' })).resolves.toMatchObject({ status: 'healthy' });
    await stop('called');
  });

  test('is called: one harmless call whose answer must fit its schema', async () => {
    const { service } = registry;
    const skill = { name: 'echo', description: 'Says it again.', outputSchema: { type: 'object', required: ['text'] } };
    let outcome: { status: 'succeeded' | 'failed'; output: unknown } = { status: 'failed', output: null };
    const calls: InvokeAgentRequest[] = [];
    await service.answer(invokeAgent, (call) => {
      calls.push(call);
      return runView(call, outcome.status, outcome.output);
    });
    await agent('echo', { kind: 'http', http: { url: 'https://x.test' }, skills: [skill] });
    await deploy('echo', {
      name: 'echo',
      steps: [{ name: 'call', source: 'contract-test', call: { skill: 'echo', input: { text: 'hi' } } }],
    });
    const reason = (text: string): Promise<unknown> =>
      until(text, async () => (await board('echo')).agents[0]!.statusReason?.includes(text));
    await reason('its skill echo was called: the run');
    expect(calls[0]).toMatchObject({
      agent: 'echo',
      skill: 'echo',
      input: { text: 'hi' },
      labels: { 'signalbox.dev/contract-test': 'echo' },
    });
    outcome = { status: 'succeeded', output: { words: 1 } };
    await reason("answered what its schema forbids: output must have required property 'text'");
    outcome = { status: 'succeeded', output: { text: 'hi' } };
    const done = await untilStatus('echo', 'done');
    expect(done.agents[0]!.steps[0]!.note).toMatch(/^its skill echo was called and answered as it should \(run_/);
    await stop('echo');
  });

  test('is counted: real calls of an agent until enough of them succeed', async () => {
    const { service } = registry;
    await agent('busy', { kind: 'http', http: { url: 'https://x.test' } });
    await deploy('traffic', { name: 'busy', steps: [{ name: 'calls', source: 'traffic', calls: 4, share: 0.75 }] });
    const call = (type: 'step.succeeded' | 'step.failed'): Promise<void> =>
      service.publish(runProgressed, { seq: 1, at: new Date().toISOString(), run: newId('run'), type, agent: 'busy' });
    await until('the count to begin', async () => (await board('traffic')).agents[0]!.statusReason?.includes('no call has been seen yet'));
    await call('step.failed');
    await call('step.failed');
    await call('step.succeeded');
    await until('three calls', async () =>
      (await board('traffic')).agents[0]!.statusReason?.includes('1 of the last 3 calls succeeded; 3 of 4 must'),
    );
    for (let more = 0; more < 3; more++) await call('step.succeeded');
    await untilStatus('traffic', 'done');
    await stop('traffic');
  });
});

describe('a person', () => {
  test('reports what only people know, in the middle of what is found out', async () => {
    await agent('reviewed', { kind: 'http', http: { url: 'https://x.test' } });
    const steps = [{ name: 'start', source: 'runner' }, { name: 'review' }, { name: 'probe', source: 'probe' }];
    await deploy('reviewed', { name: 'reviewed', estimateDays: [1, 2], steps });
    await until('the review to be next', async () =>
      (await board('reviewed')).nextActions[0]?.because.startsWith('The step review is next; 1 of 3 are done'),
    );
    await registry.service.request(reportStep, { deployment: 'reviewed', agent: 'reviewed', step: 'review', state: 'done' });
    await untilStatus('reviewed', 'done');
    await stop('reviewed');
  });
});

describe('recovery of processes of ours', () => {
  const stagesOf = async (agentName: string): Promise<string[]> => {
    const { data } = await registry.service.request(listIncidents, { agent: agentName });
    const all = await Promise.all(data.map(({ id }) => registry.service.request(getIncident, { id })));
    return all.flatMap(({ timeline }) => timeline.filter((entry) => entry.agent === agentName).map(({ stage }) => stage));
  };
  const live = async (agentName: string): Promise<string[]> =>
    (await registry.service.request(listInstances, { agent: agentName, status: 'live' })).data.map(({ instance }) => instance);

  test('one that is killed is started again by who watches it, and the loss is told', async () => {
    await localWorker('killed', { replicas: 2 });
    await deploy('killed', { name: 'killed' });
    await untilStatus('killed', 'done');
    const before = await live('killed');
    process.kill(gateway.pids('killed')[0]!, 'SIGKILL');
    await until('another is there', async () => {
      const now = await live('killed');
      return now.length === 2 && now.some((instance) => !before.includes(instance));
    });
    await until('the loss is over', async () => (await stagesOf('killed')).includes('detected'));
    await stop('killed');
  }, 30_000);

  test('one that hangs is replaced, its key taken back', async () => {
    await localWorker('hung', { replicas: 2 });
    await deploy('hung', { name: 'hung' });
    await untilStatus('hung', 'done');
    const { pid, instance, key } = gateway.beats.find((beat) => beat.agent === 'hung')!;
    process.kill(pid, 'SIGSTOP');
    await until('its key is taken back', () => Promise.resolve(!registry.keys.has(key.replace('sbx_test_', ''))), 15_000);
    await until(
      'another is there',
      async () => {
        const now = await live('hung');
        return now.length === 2 && !now.includes(instance);
      },
      20_000,
    );
    expect(isAlive(pid)).toBe(false);
    await until('it is recovered', async () => (await stagesOf('hung')).includes('recovered'));
    expect(await stagesOf('hung')).toEqual(expect.arrayContaining(['detected', 'isolated', 'recovering', 'recovered']));
    await stop('hung');
  }, 45_000);

  test('a version whose processes fail one after the other is rolled back once, and its processes with it', async () => {
    const worker = { runner: 'local', command: ['node', workerFile, 'well'], replicas: 2 };
    for (const GREETING of ['hello', 'good day']) {
      await agent('relapsing', { kind: 'worker', skills, recovery: { attempts: 1 }, worker: { ...worker, env: { GREETING } } });
    }
    await deploy('relapsing', { name: 'relapsing' });
    await untilStatus('relapsing', 'done');
    const audits = await registry.service.record(auditEvents.registry);
    for (let attempt = 0; attempt < 2; attempt++) {
      const [bad, good] = await live('relapsing');
      const measure = { agent: 'relapsing', totalMs: 100 };
      const instances = [
        { ...measure, instance: good!, succeeded: 10, failed: 0 },
        { ...measure, instance: bad!, succeeded: 1, failed: 9 },
      ];
      await registry.service.publish(instancesMeasured, { instances, versions: [], poison: [], overBudget: [] });
      await until('another is in its place', async () => {
        const now = await live('relapsing');
        return now.length === 2 && !now.includes(bad!);
      });
    }
    await expect(audits.next(({ action }) => action === 'agent.rollback')).resolves.toMatchObject({ detail: { from: 2, to: 1 } });
    await expect(registry.service.request(getAgent, { name: 'relapsing' })).resolves.toMatchObject({ version: 3 });
    expect(await stagesOf('relapsing')).not.toContain('given-up');
    await untilVersions('relapsing', [3, 3]);
    await stop('relapsing');
  }, 45_000);

  test('a version that comes up and then ends again and again is given up, and processes of the one before take its place', async () => {
    for (const greeting of ['hello', 'good day']) await localWorker('looping', { env: { GREETING: greeting } });
    await deploy('looping', { name: 'looping' });
    await untilStatus('looping', 'done');
    const killing = setInterval(() => {
      const young = gateway.beats.filter((beat) => beat.agent === 'looping' && beat.version === 2).map(({ pid }) => pid);
      for (const pid of new Set(young)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }, 100);
    await untilVersions('looping', [3], 40_000).finally(() => clearInterval(killing));
    await untilStatus('looping', 'done');
    await stop('looping');
  }, 60_000);

  test('one whose replacement fails is replaced later', async () => {
    const { service } = registry;
    await localWorker('stuck');
    await deploy('stuck', { name: 'stuck' });
    await untilStatus('stuck', 'done');
    const [instance] = await live('stuck');
    const replacing = jest.spyOn(service.app.get(LocalRunner), 'replace').mockRejectedValueOnce(new Error('no key is taken back'));
    await service.request(isolateAgent, { agent: 'stuck', instance: instance!, reason: 'it looks odd' });
    await service.request(recoverAgent, { agent: 'stuck', instance: instance! });
    await until('the attempt that fails', () => Promise.resolve(replacing.mock.calls.length === 1));
    await service.database.sql(`UPDATE isolation SET next_at = next_at - interval '30 seconds' WHERE agent = 'stuck'`);
    await until('it is recovered', async () => (await stagesOf('stuck')).includes('recovered'), 15_000);
    expect(await live('stuck')).not.toContain(instance);
    await stop('stuck');
  }, 30_000);

  test('on the board it is isolated with why, what is done and needs it is degraded, and what is not done waits', async () => {
    await localWorker('base');
    await localWorker('user');
    await deploy(
      'isolating',
      { name: 'base' },
      { name: 'user', dependsOn: ['base'] },
      { name: 'later', dependsOn: ['base'], estimateDays: [1, 1], steps: [{ name: 'review' }] },
    );
    await until('both are up', async () => {
      const { agents } = await board('isolating');
      return agents.filter(({ status }) => status === 'done').length === 2;
    });
    await registry.service.request(isolateAgent, { agent: 'base', reason: 'a leak' });
    const { agents, status, nextActions } = await board('isolating');
    expect(status).toBe('degraded');
    expect(agents).toMatchObject([
      { name: 'base', status: 'isolated', statusReason: 'it is isolated: a leak' },
      { name: 'user', status: 'degraded', statusReason: 'it needs base, which is isolated' },
      { name: 'later', status: 'waiting', waitingFor: [{ on: 'base', because: 'isolated: it is isolated: a leak' }] },
    ]);
    expect(nextActions[0]).toMatchObject({ action: 'repair', agent: 'base', within: 'now' });
    await registry.service.request(releaseAgent, { agent: 'base' });
    expect((await board('isolating')).agents.map((each) => each.status)).toEqual(['done', 'done', 'ready']);
    await stop('isolating');
  }, 30_000);
});

describe('drift', () => {
  const driftOf = (name: string): Promise<Drift> => registry.service.request(getDrift, { name });

  test('of an agent that was changed begins, is shown, is repaired, and ends', async () => {
    await localWorker('drifting');
    await agent('drifting-page', { kind: 'http', http: { url: 'https://x.test' } });
    await expect(driftOf('nobody')).rejects.toMatchObject({ code: 'not_found' });
    const changes = await registry.service.record(deploymentChanged);
    await deploy('drifting', { name: 'one', agent: 'drifting' }, { name: 'page', agent: 'drifting-page' });
    await untilStatus('drifting', 'done');
    expect(await driftOf('drifting')).toMatchObject({ started: true, since: null, items: [], more: 0 });
    await expect(registry.service.request(repairDrift, { name: 'drifting' })).resolves.toMatchObject({ repairs: [], left: [] });

    await localWorker('drifting', { env: { GREETING: 'good morning' } });
    await agent('drifting-page', { kind: 'http', http: { url: 'https://y.test' } });
    const items = [
      { member: 'one', aspect: 'version', repair: 'restart', actual: expect.stringMatching(/^1 of 1 processes run sha256:/) },
      { member: 'page', aspect: 'changed', repair: 'again' },
    ];
    expect(await driftOf('drifting')).toMatchObject({ items });
    const began = await changes.next(({ name, change }) => name === 'drifting' && change === 'drift', 20_000);
    expect(began).toMatchObject({ drift: 2, reason: expect.stringMatching(/^one: the agent drifting was changed/) });
    expect((await driftOf('drifting')).since).not.toBeNull();

    const preview = await registry.service.request(repairDrift, { name: 'drifting', dryRun: true });
    expect(preview).toMatchObject({
      repairs: [
        { member: 'one', repair: 'restart' },
        { member: 'page', repair: 'again' },
      ],
      left: [],
    });
    expect(await driftOf('drifting')).toMatchObject({ items });
    await registry.service.request(repairDrift, { name: 'drifting' });
    await until('the drift to end', async () => (await driftOf('drifting')).items.length === 0);
    await untilStatus('drifting', 'done');
    await changes.next(({ name, change, drift }) => name === 'drifting' && change === 'drift' && drift === 0, 20_000);
    expect((await driftOf('drifting')).since).toBeNull();
    await stop('drifting');
    expect(await driftOf('drifting')).toMatchObject({
      started: false,
      since: null,
      items: [{ aspect: 'steps', repair: 'start' }, { aspect: 'steps' }],
    });
  }, 60_000);
});

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
    const { data } = await registry.service.request(listInstances, { agent: 'pool' });
    expect(data.filter(({ status }) => status === 'gone').map(({ statusReason }) => statusReason)).toEqual([
      'it said goodbye',
      'it said goodbye',
    ]);
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
describe('a version that is rolled out', () => {
  const spec = (greeting: string, rollout: object): Record<string, unknown> => ({
    ...{ kind: 'worker', skills, rollout },
    worker: { runner: 'local', command: ['node', workerFile, 'well'], env: { GREETING: greeting }, replicas: 2 },
  });

  function calls(name: string, version: number): Promise<void> {
    const measure = { agent: name, version, succeeded: 5, failed: 0, totalMs: 50, costUsd: 0, durations: [0, 0, 5] };
    return registry.service.publish(instancesMeasured, { instances: [], versions: [measure], poison: [], overBudget: [] });
  }

  async function rolled(name: string, greeting: string, rollout: object): Promise<string> {
    const manifest = agentManifest(name, spec(greeting, rollout));
    return (await registry.service.request(applyAgent, { name, manifest })).rollout!.id;
  }

  test('has processes beside the others; they are replaced when it is promoted, and it loses its own when it is sent back', async () => {
    const rollout = { strategy: 'canary', steps: [{ share: 0.5 }], calls: 1 };
    await agent('rolled', spec('hello', rollout));
    await deploy('rolled', { name: 'rolled' });
    await untilStatus('rolled', 'done');
    await rolled('rolled', 'good day', rollout);
    await untilVersions('rolled', [1, 1, 2]);
    const pids = gateway.pids('rolled');
    await calls('rolled', 1);
    await calls('rolled', 2);
    await until('all that were there to be replaced', () => Promise.resolve(pids.filter(isAlive).length === 0), 20_000);
    await untilVersions('rolled', [2, 2]);
    const id = await rolled('rolled', 'good night', rollout);
    await untilVersions('rolled', [2, 2, 3]);
    await registry.service.request(abortRollout, { id });
    await untilVersions('rolled', [2, 2]);
    // Rolling, a process of the version before ends for each that is up.
    await rolled('rolled', 'good morning', { strategy: 'rolling', steps: [{ share: 0.5 }], calls: 1 });
    await untilVersions('rolled', [2, 4]);
    await stop('rolled');
  }, 60_000);

  test('of an agent that is scaled has as many processes as the pool, and so has the pool after it', async () => {
    const scaled = (greeting: string): Record<string, unknown> => ({
      ...spec(greeting, { strategy: 'blue-green' }),
      worker: { runner: 'local', command: ['node', workerFile, 'well'], env: { GREETING: greeting }, autoscale: { min: 2, max: 4 } },
    });
    await agent('scaled', scaled('hello'));
    await deploy('scaled', { name: 'scaled' });
    await untilStatus('scaled', 'done');
    const manifest = agentManifest('scaled', scaled('good day'));
    const { rollout } = await registry.service.request(applyAgent, { name: 'scaled', manifest });
    await untilVersions('scaled', [1, 1, 2, 2]);
    await registry.service.request(promoteRollout, { id: rollout!.id });
    await untilVersions('scaled', [2, 2]);
    await stop('scaled');
  }, 60_000);
});

describe('what is up and lacks what it needs', () => {
  const names = ['need-base', 'need-soft', 'need-hard', 'need-last'];
  let beating: NodeJS.Timeout;

  beforeAll(async () => {
    const beat = (name: string): Promise<unknown> =>
      registry.service.request(beatInstance, { agent: name, instance: 'i1', capacity: 1, inFlight: 0, skills: ['work'] });
    for (const name of names) await agent(name, { kind: 'worker', skills, worker: { runner: 'external' } });
    await Promise.all(names.map(beat));
    beating = setInterval(() => void Promise.all(names.map(beat)).catch(() => undefined), 500);
    await deploy(
      'needs',
      { name: 'need-base' },
      { name: 'need-soft', dependsOn: [{ name: 'need-base', whenMissing: 'degrade' }] },
      { name: 'need-hard', dependsOn: [{ name: 'need-base', whenMissing: 'stop' }] },
      { name: 'need-last', dependsOn: [{ name: 'need-hard', whenMissing: 'degrade' }] },
    );
    await untilStatus('needs', 'done', 20_000);
  }, 60_000);

  afterAll(() => clearInterval(beating));

  const statusOf = async (name: string): Promise<string> => (await registry.service.request(getAgent, { name })).status;
  const isolation = async (): Promise<Isolation | undefined> =>
    (await registry.service.request(listIsolations, { agent: 'need-hard' })).data[0];

  test('goes on and says so, or is out of routing until it is there again', async () => {
    const { service } = registry;
    const changes = await service.record(agentChanged);
    await service.request(isolateAgent, { agent: 'need-base', reason: 'a look at it' });
    await until('the dependant to stop', isolation, 15_000);
    expect(await isolation()).toMatchObject({
      cause: 'dependency',
      by: 'registry',
      because: 'it needs need-base, which is not there (isolated: it is isolated: a look at it)',
      nextAt: null,
    });
    await until('its own dependant to be degraded', async () => (await statusOf('need-last')) === 'degraded', 15_000);
    const soft = await service.request(getAgent, { name: 'need-soft' });
    expect(soft).toMatchObject({ status: 'degraded', statusReason: expect.stringContaining('it goes on without need-base') });
    await changes.next(({ name, status }) => name === 'need-soft' && status === 'degraded');
    const { agents } = await board('needs');
    expect(agents.map(({ name, status, lacks }) => [name, status, lacks?.map(({ on, then }) => `${then} ${on}`)])).toEqual([
      ['need-base', 'isolated', undefined],
      ['need-soft', 'degraded', ['degrade need-base']],
      ['need-hard', 'isolated', ['stop need-base']],
      ['need-last', 'degraded', ['degrade need-hard']],
    ]);
    const { data: incidents } = await service.request(listIncidents, { agent: 'need-hard', cause: 'dependency' });
    expect(incidents).toMatchObject([{ severity: 'medium', title: 'need-hard: what it needs is not there' }]);
    await service.request(releaseAgent, { agent: 'need-base' });
    await untilStatus('needs', 'done', 15_000);
    expect(await isolation()).toBeUndefined();
    expect(await Promise.all(names.map(statusOf))).toEqual(names.map(() => 'healthy'));
    const { timeline } = await service.request(getIncident, { id: incidents[0]!.id });
    expect(timeline.map(({ stage }) => stage).slice(-2)).toEqual(['isolated', 'recovered']);
  }, 60_000);

  test('what a person isolated stays so, and a deployment that is stopped lets go of all that it held', async () => {
    const { service } = registry;
    await service.request(isolateAgent, { agent: 'need-hard', reason: 'by hand' });
    await service.request(isolateAgent, { agent: 'need-base', reason: 'again' });
    await until('the other dependant to be degraded', async () => (await statusOf('need-soft')) === 'degraded', 15_000);
    expect(await isolation()).toMatchObject({ cause: 'by-hand' });
    await service.request(releaseAgent, { agent: 'need-hard' });
    await stop('needs');
    expect(await statusOf('need-soft')).toBe('healthy');
    await service.request(releaseAgent, { agent: 'need-base' });
  }, 60_000);
});
