import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { instancesMeasured } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { abortRollout } from '@signalbox/shared/contracts/registry/abort-rollout.js';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { beatInstance } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { agentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getIncident } from '@signalbox/shared/contracts/registry/get-incident.js';
import { isolateAgent } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { listIncidents } from '@signalbox/shared/contracts/registry/list-incidents.js';
import type { Isolation } from '@signalbox/shared/contracts/registry/isolation.js';
import { listIsolations } from '@signalbox/shared/contracts/registry/list-isolations.js';
import { recoverAgent } from '@signalbox/shared/contracts/registry/recover-agent.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { releaseAgent } from '@signalbox/shared/contracts/registry/release-agent.js';
import { promoteRollout } from '@signalbox/shared/contracts/registry/promote-rollout.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import { LocalRunner } from '../src/runners/local-runner.ts';
import { agentManifest, until } from './registry.ts';
import {
  workerFile,
  registry,
  gateway,
  skills,
  agent,
  localWorker,
  deploy,
  board,
  untilStatus,
  stop,
  untilVersions,
  isAlive,
} from './bring-up.ts';

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
