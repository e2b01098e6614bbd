import { describe, expect, test } from '@jest/globals';
import { mcpServerChanged } from '@signalbox/shared/contracts/mcp-server/events.js';
import { listModels } from '@signalbox/shared/contracts/protocol/list-models.js';
import { beatInstance } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { deploymentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import type { Drift } from '@signalbox/shared/contracts/registry/drift.js';
import { getDrift } from '@signalbox/shared/contracts/registry/get-drift.js';
import { repairDrift } from '@signalbox/shared/contracts/registry/repair-drift.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { reportStep } from '@signalbox/shared/contracts/registry/report-step.js';
import { startDeployment } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { runProgressed } from '@signalbox/shared/contracts/execution/run-event.js';
import { invokeAgent, type InvokeAgentRequest } from '@signalbox/shared/contracts/execution/invoke-agent.js';
import type { RunView } from '@signalbox/shared/contracts/execution/run-view.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { until } from './registry.ts';
import { registry, gateway, skills, agent, localWorker, deploy, board, untilStatus, stop, isAlive } from './bring-up.ts';

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
