import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { beatInstance, type BeatInstanceReply, type BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { beatInstances, type BeatInstancesReply } from '@signalbox/shared/contracts/registry/beat-instances.js';
import { deleteAgent } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { agentChanged, instanceChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent, type GetAgentReply } from '@signalbox/shared/contracts/registry/get-agent.js';
import { shardOfAgent } from '@signalbox/shared/contracts/registry/instance-shard.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { routingChanged } from '@signalbox/shared/contracts/registry/routing-changed.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { defaultWorkspace, type TestIdentity } from '@signalbox/testkit/test-issuer.js';
import { agentManifest, otherWorkspace, startRegistry, until, type RegistryUnderTest } from './registry.ts';

/** Three of them are shorter than the lease of a killed owner. */
const heartbeatMs = 500;
const limitMs = 3 * heartbeatMs;

let registry: RegistryUnderTest;
beforeAll(async () => {
  registry = await startRegistry({ HEARTBEAT_MS: String(heartbeatMs) });
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

function beat(agent: string, instance: string, rest: Partial<BeatInstanceRequest> = {}, as: TestIdentity = {}): Promise<BeatInstanceReply> {
  return registry.service.request(beatInstance, { agent, instance, capacity: 2, inFlight: 0, ...rest }, { as });
}

/** Beats of several instances of an agent, as the gateway says them; tried until their shard is heard. */
function beatAll(agent: string, ids: string[], inFlight = ids.map(() => 0)): Promise<BeatInstancesReply> {
  const shard = shardOfAgent(defaultWorkspace, agent);
  return until(`the owner of shard ${shard}`, () =>
    registry.service
      .request(beatInstances, { ids, inFlight, ageMs: ids.map(() => 0) }, { as: 'api-gateway', shard })
      .catch((fault: { code: string }) => (fault.code === 'unavailable' ? null : Promise.reject(fault as unknown as Error))),
  );
}

async function worker(name: string): Promise<GetAgentReply> {
  await registry.service.request(applyAgent, { name, manifest: agentManifest(name) });
  return registry.service.request(getAgent, { name });
}

/** Beats until the returned function is called. */
function keepBeating(agent: string, instance: string): () => void {
  const timer = setInterval(() => void beat(agent, instance).catch(() => undefined), 150);
  return () => clearInterval(timer);
}

describe('a beat', () => {
  test('of an agent that nobody knows, or that is of another workspace, finds nothing', async () => {
    await worker('mine');
    await expect(beat('nobody', 'i1')).rejects.toMatchObject({ code: 'not_found' });
    await expect(beat('mine', 'i1', {}, { workspace: otherWorkspace })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('of an agent that has no instances by its kind is refused', async () => {
    await registry.service.request(applyAgent, {
      name: 'page',
      manifest: agentManifest('page', { kind: 'http', http: { url: 'https://x.test' } }),
    });
    await expect(beat('page', 'i1')).rejects.toMatchObject({
      code: 'invalid',
      detail: 'page is an agent of kind http, which has no instances',
    });
  });

  test('is not for viewers, and an agent beats for itself alone', async () => {
    const { id } = await worker('own');
    await worker('foreign');
    await expect(beat('own', 'i1', {}, { roles: ['viewer'] })).rejects.toMatchObject({ code: 'forbidden' });
    const itself: TestIdentity = { principal: id, roles: ['agent'] };
    await expect(beat('own', 'i1', {}, itself)).resolves.toMatchObject({ status: 'live', heartbeatMs });
    await expect(beat('foreign', 'i1', {}, itself)).rejects.toMatchObject({ code: 'not_found', detail: 'there is no agent foreign' });
    await beat('foreign', 'i1');
    await expect(beat('foreign', 'i1', {}, itself)).rejects.toMatchObject({ code: 'not_found' });
    await expect(beat('own', 'i1', {}, { principal: newId('agent'), roles: ['agent'] })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('with what cannot be is refused', async () => {
    await worker('strict');
    await expect(beat('strict', 'i 1')).rejects.toMatchObject({ code: 'invalid' });
    await expect(beat('strict', 'i1', { capacity: -1 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(beat('strict', 'i1', { workspace: otherWorkspace } as object)).rejects.toMatchObject({ code: 'invalid' });
    await expect(beat('strict', 'i1', { status: 'gone' })).rejects.toMatchObject({
      code: 'not_found',
      detail: 'strict has no instance i1',
    });
  });

  test('registers an instance, and only changes are told', async () => {
    const { service } = registry;
    await worker('busy');
    const changes = await service.record(instanceChanged);
    const agents = await service.record(agentChanged);
    const first = await beat('busy', 'i1', { skills: ['x'] });
    await changes.next(({ instance, status }) => instance === 'i1' && status === 'live');
    await agents.next(({ name, status }) => name === 'busy' && status === 'healthy');
    for (let inFlight = 1; inFlight <= 5; inFlight++) {
      await expect(beat('busy', 'i1', { inFlight: inFlight % 3 })).resolves.toEqual({ ...first, status: 'live' });
    }
    await until('the last beat in the database', async () => {
      const { instances } = await service.request(getAgent, { name: 'busy' });
      await beat('busy', 'i1', { inFlight: 2 });
      return instances.inFlight === 2 && instances.capacity === 2 && instances.live === 1;
    });
    expect(changes.heard.filter(({ payload }) => payload.agent === 'busy')).toHaveLength(1);
    await beat('busy', 'i1', { capacity: 5, inFlight: 2 });
    await changes.next(({ agent, capacity }) => agent === 'busy' && capacity === 5);
    await expect(service.request(resolveAgent, { name: 'busy' })).resolves.toMatchObject({
      status: 'healthy',
      instances: [{ instance: 'i1', status: 'live', capacity: 5, inFlight: 2 }],
    });
    await beat('busy', 'i1', { status: 'draining', inFlight: 1 });
    await changes.next(({ agent, status }) => agent === 'busy' && status === 'draining');
    await beat('busy', 'i1', { status: 'gone', reason: 'it was asked to' });
    await expect(changes.next(({ agent, status }) => agent === 'busy' && status === 'gone')).resolves.toMatchObject({
      statusReason: 'it was asked to',
    });
    await expect(service.request(getAgent, { name: 'busy' })).resolves.toMatchObject({
      status: 'idle',
      statusReason: 'no instance is there',
    });
  });
});

describe('beats of many at once', () => {
  test('keep them alive, are seen at once, and name those that are not known', async () => {
    const { service } = registry;
    await worker('crowd');
    const ids: string[] = [];
    for (const instance of ['a', 'b', 'c']) ids.push((await beat('crowd', instance)).id);
    const changes = await service.record(instanceChanged);
    const routing = await service.record(routingChanged);
    const stranger = newId('instance');
    await expect(beatAll('crowd', [...ids, stranger], [1, 2, 0, 5])).resolves.toEqual({ unknown: [stranger] });
    const page = await service.request(listInstances, { agent: 'crowd' });
    expect(page.data.map(({ inFlight }) => inFlight)).toEqual([1, 2, 0]);
    for (const end = performance.now() + limitMs + 600; performance.now() < end;) {
      await expect(beatAll('crowd', ids.slice(0, 2), [1, 2])).resolves.toEqual({ unknown: [] });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { instance } = await routing.next(({ agent, change }) => agent === 'crowd' && change === 'instance');
    expect(instance).toEqual({ id: ids[2], instance: 'c', status: 'gone', capacity: 2 });
    await changes.next(({ agent, status }) => agent === 'crowd' && status === 'gone');
    expect(changes.heard.filter(({ payload }) => payload.agent === 'crowd')).toHaveLength(1);
    await expect(beatAll('crowd', ids)).resolves.toEqual({ unknown: [ids[2]] });
    await until('the busy ones in the database', async () => {
      await beatAll('crowd', ids.slice(0, 2), [1, 2]);
      return (await service.request(getAgent, { name: 'crowd' })).instances.inFlight === 3;
    });
  });

  test('end with their agent, and must say all of each', async () => {
    await worker('fleeting');
    const { id } = await beat('fleeting', 'i1');
    await expect(beatAll('fleeting', [id])).resolves.toEqual({ unknown: [] });
    await expect(beatAll('fleeting', [id], [])).rejects.toMatchObject({ code: 'invalid' });
    await registry.service.request(deleteAgent, { name: 'fleeting' });
    await until('the end of its beats', async () => (await beatAll('fleeting', [id])).unknown.length === 1);
  });
});

describe('an instance that misses its beats', () => {
  test('is gone, its agent failed, and a later beat brings it back', async () => {
    const { service } = registry;
    await worker('frail');
    const changes = await service.record(instanceChanged);
    const stop = keepBeating('frail', 'stays');
    await beat('frail', 'stays');
    const before = await beat('frail', 'leaves');
    await expect(changes.next(({ agent, status }) => agent === 'frail' && status === 'gone')).resolves.toMatchObject({
      instance: 'leaves',
      statusReason: 'it missed its beats',
    });
    await expect(service.request(getAgent, { name: 'frail' })).resolves.toMatchObject({ status: 'healthy', instances: { live: 1 } });
    stop();
    await changes.next(({ instance, status }) => instance === 'stays' && status === 'gone');
    await expect(service.request(getAgent, { name: 'frail' })).resolves.toMatchObject({
      status: 'failed',
      statusReason: 'no instance is left: 2 instances were lost',
    });
    await expect(beat('frail', 'leaves')).resolves.toEqual(before);
    await expect(service.request(getAgent, { name: 'frail' })).resolves.toMatchObject({ status: 'healthy', instances: { live: 1 } });
  });
});

describe('instances', () => {
  test('are listed in pages, by agent and status', async () => {
    const { service } = registry;
    for (const name of ['list-one', 'list-two']) {
      await worker(name);
      for (const instance of ['b', 'a', 'c']) await beat(name, instance);
    }
    await beat('list-two', 'c', { status: 'gone' });
    const first = await service.request(listInstances, { q: 'list-', limit: 4 });
    expect(first.data.map(({ agent, instance }) => `${agent} ${instance}`)).toEqual([
      'list-one a',
      'list-one b',
      'list-one c',
      'list-two a',
    ]);
    const rest = await service.request(listInstances, { q: 'list-', limit: 4, cursor: first.nextCursor! });
    expect(rest).toMatchObject({
      data: [{ instance: 'b' }, { instance: 'c', status: 'gone', statusReason: 'it said goodbye', runner: 'external' }],
      nextCursor: null,
    });
    await expect(service.request(listInstances, { agent: 'list-two', status: 'gone' })).resolves.toMatchObject({
      data: [{ instance: 'c' }],
    });
    await expect(service.request(listInstances, { cursor: 'x' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(service.request(listInstances, {}, { as: { workspace: otherWorkspace } })).resolves.toEqual({
      data: [],
      nextCursor: null,
    });
  });

  test('of a deleted agent are forgotten, and do not come back by a beat', async () => {
    await worker('short');
    await beat('short', 'i1');
    await registry.service.request(deleteAgent, { name: 'short' });
    await until('the beat of a forgotten instance', () =>
      beat('short', 'i1').then(
        () => false,
        (fault: { code: string }) => fault.code === 'not_found',
      ),
    );
  });
});

describe('a registry that was away', () => {
  test('gives every instance a full limit of grace before it calls it gone', async () => {
    const { service } = registry;
    await worker('patient');
    await beat('patient', 'i1');
    const changes = await service.record(instanceChanged);
    await service.stop();
    await new Promise((resolve) => setTimeout(resolve, limitMs + 300));
    await service.start();
    const startedAt = performance.now();
    await expect(beat('patient', 'i1')).resolves.toMatchObject({ status: 'live' });
    await changes.next(({ agent, status }) => agent === 'patient' && status === 'gone');
    expect(performance.now() - startedAt).toBeGreaterThan(limitMs - 50);
    expect(changes.heard.filter(({ payload }) => payload.agent === 'patient').map(({ payload }) => payload.status)).toEqual(['gone']);
  });

  test('hears on after the database was away for a moment', async () => {
    const { service } = registry;
    await worker('steady');
    await beat('steady', 'i1');
    const stop = keepBeating('steady', 'i1');
    await service.database.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await expect(service.request(getAgent, { name: 'steady' })).resolves.toMatchObject({ status: 'healthy' });
    stop();
  });
});

test('of two registries each hears some; when one is killed the other hears all in time, and nobody is called gone for that', async () => {
  const { service } = registry;
  const names = Array.from({ length: 12 }, (_, index) => `shared-${index}`);
  const instances = new Map<string, string>();
  for (const name of names) {
    await worker(name);
    instances.set(name, (await beat(name, 'i1')).id);
  }
  const shards = names.map((name) => shardOfAgent(defaultWorkspace, name));
  await expect(
    service.database.sql(`SELECT shard FROM instance WHERE agent LIKE 'shared-%' ORDER BY split_part(agent, '-', 2)::int`),
  ).resolves.toEqual(shards.map((shard) => ({ shard })));
  const owners = async (): Promise<number> => {
    const [row] = await service.database.sql<{ owners: number }>(
      `SELECT count(DISTINCT owner)::int AS owners FROM shard WHERE shard IN (${shards.join()})`,
    );
    return row!.owners;
  };
  /** Instances that had to say again who they are. */
  const forgotten: string[] = [];
  let isBeating = true;
  const beating = (async () => {
    while (isBeating) {
      await Promise.all(
        names.map(async (name) => {
          const shard = shardOfAgent(defaultWorkspace, name);
          const request = { ids: [instances.get(name)!], inFlight: [1], ageMs: [0] };
          // While nobody hears a shard, its beats are lost.
          const reply = await service
            .request(beatInstances, request, { as: 'api-gateway', shard, timeoutMs: 300 })
            .catch(() => ({ unknown: [] }));
          if (reply.unknown.length === 0) return;
          forgotten.push(name);
          await beat(name, 'i1');
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const second = spawn(process.execPath, [fileURLToPath(new URL('../dist/main.js', import.meta.url))], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: service.database.url('request'),
      SYSTEM_DATABASE_URL: service.database.url('system'),
      NATS_URL: service.bus.url,
      NATS_CREDS: service.bus.credsFile('registry'),
      MANAGEMENT_PORT: '0',
      HEARTBEAT_MS: String(heartbeatMs),
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const exit = once(second, 'exit');
  try {
    await until('two owners', async () => (await owners()) === 2, 30_000);
    const changes = await service.record(instanceChanged);
    forgotten.length = 0;
    second.kill('SIGKILL');
    await exit;
    const killedAt = performance.now();
    await until('one owner', async () => (await owners()) === 1);
    for (const name of names) await beatAll(name, [instances.get(name)!]);
    expect(performance.now() - killedAt).toBeLessThan(8_000);
    // More than a limit later all are there.
    await new Promise((resolve) => setTimeout(resolve, limitMs + 500));
    expect(changes.heard.filter(({ payload }) => payload.agent.startsWith('shared-'))).toEqual([]);
    expect(forgotten).toEqual([]);
    isBeating = false;
    await beating;
    for (const name of names) await changes.next(({ agent, status }) => agent === name && status === 'gone');
  } finally {
    isBeating = false;
    await beating;
    second.kill('SIGKILL');
    await exit;
  }
}, 90_000);
