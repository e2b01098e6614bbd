import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { Bus } from '../src/bus/bus.ts';
import { connectBus } from '../src/bus/connection.ts';
import { servedSubject } from '../src/bus/headers.ts';
import { ServiceConfig } from '../src/config/service-config.ts';
import { shardsTaken } from '../src/contracts/execution/shards-taken.ts';
import { Fault } from '../src/errors/fault.ts';
import { IdentityBroker } from '../src/identity/identity-broker.ts';
import type { Caller } from '../src/identity/caller.ts';
import { listenOnBus, type RunningService } from '../src/service/run-service.ts';
import { ServiceModule } from '../src/service/service-module.ts';
import {
  echo,
  echoModule,
  echoOnce,
  echoService,
  echoShard,
  nobodyHome,
  nobodyOnce,
  saidDurable,
  saidLive,
  securityController,
  seen,
  startedOnce,
  TestIssuer,
} from './echo-service.ts';
import { startNats, type TestNats } from './nats.ts';

let nats: TestNats;
let issuer: TestIssuer;
let security: RunningService;
let service: RunningService;
let bus: Bus;
let caller: Caller;

beforeAll(async () => {
  nats = await startNats();
  issuer = await TestIssuer.create();
  const config = new ServiceConfig();
  config.natsUrl = nats.url;
  @Module({ imports: [ServiceModule.forRoot({ name: 'security', config })], controllers: [securityController(issuer)] })
  class SecurityModule {}
  security = await listenOnBus(SecurityModule, 'security');
  service = await listenOnBus(echoModule(nats.url), 'context');
  bus = new Bus('registry', await connectBus({ natsUrl: nats.url, name: 'registry' }));
  bus.broker = new IdentityBroker(bus);
  caller = (await bus.broker.callerOfCredential('key', 'good')).caller;
});

afterAll(async () => {
  await bus?.connection.close();
  await service?.stop();
  await security?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  Object.assign(seen, { aborted: 0, live: [], durable: [], failures: 0 });
});

/** Sends what no typed caller would. */
async function raw(
  body: string,
  set: Record<string, string> = {},
): Promise<{ code: string | undefined; body: { detail: string; errors?: unknown } }> {
  const h = headers();
  h.set('Sb-Identity', await caller.tokenFor('context'));
  for (const [name, value] of Object.entries(set))
    if (value === '') h.delete(name);
    else h.set(name, value);
  const message = await bus.connection.request(echo.subject, body, { headers: h, timeout: 2_000 });
  return { code: message.headers?.get('Sb-Fault'), body: message.json() };
}

test('a request reaches its handler with the identity of its caller', async () => {
  await expect(bus.request(echo, { text: 'hello' }, caller)).resolves.toEqual({ text: 'hello', by: 'ann', workspace: caller.workspace });
});

test('a fault comes back as it was thrown', async () => {
  await expect(bus.request(echo, { text: '', fail: 'fault' }, caller)).rejects.toMatchObject({
    code: 'conflict',
    detail: 'it is taken',
    next: 'Take another.',
  });
});

test('a bug comes back as internal and says nothing of its cause', async () => {
  const thrown = await bus.request(echo, { text: '', fail: 'bug' }, caller).catch((fault: unknown) => fault as Fault);
  expect(thrown).toMatchObject({ code: 'internal' });
  expect(JSON.stringify(thrown)).not.toContain('secret inside');
});

test('a reply that breaks its contract does not leave the service', async () => {
  await expect(bus.request(echo, { text: '', fail: 'reply' }, caller)).rejects.toMatchObject({ code: 'internal' });
});

describe('what is malformed never reaches a handler', () => {
  test.each([
    ['an unknown field', '{"text":"a","role":"admin"}', '/role'],
    ['a wrong type', '{"text":5}', '/text'],
    ['a missing field', '{}', '/text'],
    ['no object', '[1]', ''],
    ['a prototype', '{"text":"a","__proto__":{"x":1}}', '/__proto__'],
  ])('%s', async (_, body, pointer) => {
    const { code, body: fault } = await raw(body);
    expect(code).toBe('invalid');
    expect(fault.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]));
  });

  test.each([
    ['no JSON', '{"text":'],
    ['too large', JSON.stringify({ text: 'x'.repeat(20_000) })],
    ['too deep', `{"text":${'['.repeat(1_000)}${']'.repeat(1_000)}}`],
  ])('%s', async (_, body) => {
    expect(await raw(body)).toMatchObject({ code: 'invalid' });
  });
});

describe('an identity', () => {
  test('is required', async () => {
    expect(await raw('{"text":"a"}', { 'Sb-Identity': '' })).toMatchObject({ code: 'unauthenticated' });
  });
  test('for another service is refused', async () => {
    expect(await raw('{"text":"a"}', { 'Sb-Identity': await issuer.sign({}, { audience: 'registry' }) })).toMatchObject({
      code: 'unauthenticated',
    });
  });
  test('that has expired is refused', async () => {
    expect(await raw('{"text":"a"}', { 'Sb-Identity': await issuer.sign({}, { expires: 1_000 }) })).toMatchObject({
      code: 'unauthenticated',
    });
  });
  test('without the permission is refused', async () => {
    expect(await raw('{"text":"a"}', { 'Sb-Identity': await issuer.sign({ roles: ['viewer'] }) })).toMatchObject({ code: 'forbidden' });
  });
  test('with narrower scopes is refused', async () => {
    expect(await raw('{"text":"a"}', { 'Sb-Identity': await issuer.sign({ scopes: ['runs:read'] }) })).toMatchObject({ code: 'forbidden' });
  });
  test('of a revoked credential cannot be had', async () => {
    await expect(bus.broker.callerOfCredential('key', 'revoked')).rejects.toMatchObject({ code: 'unauthenticated' });
  });
  test('follows a call to a further service, traded for its audience', async () => {
    const token = await issuer.sign({}, { audience: 'registry' });
    const claims = {
      workspace: caller.workspace,
      principal: 'user_1',
      name: 'ann',
      roles: ['operator' as const],
      scopes: [],
      issuedAt: Date.now(),
      expiresAt: Date.now() + 60_000,
      credentialId: '',
      actors: [],
    };
    await expect(bus.request(echo, { text: 'on behalf' }, bus.broker.callerOf(claims, token))).resolves.toMatchObject({
      text: 'on behalf',
    });
  });
});

test('a contract between services tells who asks', async () => {
  await expect(bus.request(echoService, { text: 'a' }, 'service')).resolves.toEqual({ text: 'a', by: 'registry' });
});

test('a service that the contract does not name is refused', async () => {
  const message = await bus.connection.request(`${echoService.subject}.protocol`, '{"text":"a"}', { timeout: 1_000 });
  expect(message.headers?.get('Sb-Fault')).toBe('forbidden');
});

test('a shard is heard by its owner alone, while it owns it', async () => {
  await expect(bus.request(echoShard, { text: 'a' }, caller, { shard: 7, timeoutMs: 300 })).rejects.toMatchObject({ code: 'unavailable' });
  const release = service.server.hearShard(7);
  await service.server.unwrap<Bus['connection']>().flush();
  await expect(bus.request(echoShard, { text: 'a' }, caller, { shard: 7 })).resolves.toEqual({ text: 'a', by: 'sb.context.shard.7.echo' });
  await release();
});

describe('when nobody answers', () => {
  test('a service that is not there is named', async () => {
    await expect(bus.request(nobodyHome, { text: 'a' }, caller, { timeoutMs: 400 })).rejects.toMatchObject({
      code: 'unavailable',
      service: 'protocol',
    });
  });
  test('what is not idempotent is asked once', async () => {
    await expect(bus.request(echoOnce, { text: 'a' }, caller)).rejects.toMatchObject({ code: 'unavailable' });
  });
  test('the deadline ends the wait and the work', async () => {
    await expect(bus.request(echo, { text: 'a', waitMs: 5_000 }, caller, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'timeout' });
    await until(() => seen.aborted === 1);
  });
  test('work whose deadline has passed is not started', async () => {
    expect(await raw('{"text":"a"}', { 'Sb-Deadline': String(Date.now() - 10) })).toMatchObject({ code: 'timeout' });
  });
  test('a caller that gives up ends the work', async () => {
    const controller = new AbortController();
    const asking = bus.request(echo, { text: 'a', waitMs: 5_000 }, caller, { signal: controller.signal, timeoutMs: 5_000 });
    setTimeout(() => controller.abort(), 50);
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' });
    await until(() => seen.aborted === 1);
  });
  test('a long call that is served is waited for', async () => {
    const said = await bus.request(echo, { text: 'late', waitMs: 6_500 }, caller, { timeoutMs: 9_000 });
    expect(said.text).toBe('late');
  });
  test('a long call whose server is gone fails long before its deadline', async () => {
    // Hears the request and says nothing any more, as a process that was killed.
    const gone = bus.connection.subscribe(nobodyOnce.subject);
    const since = performance.now();
    await expect(bus.request(nobodyOnce, { text: 'a' }, caller, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'unavailable',
      service: 'protocol',
      detail: expect.stringContaining('broke off'),
    });
    expect(performance.now() - since).toBeLessThan(8_000);
    gone.unsubscribe();
  });
  test('a call of 5 s whose server is gone fails as soon as another has its shards', async () => {
    const gone = bus.connection.subscribe(startedOnce.subject);
    let questions = 0;
    const asked = bus.connection.subscribe(servedSubject('execution'), { callback: () => void questions++ });
    const asking = bus.request(startedOnce, { text: 'a' }, caller, { timeoutMs: 5_000 }).catch((fault: unknown) => fault);
    await until(() => questions >= 2); // the first was not answered
    const before = questions;
    bus.publishLive(shardsTaken, { shards: [1] }, { workspace: '', entity: 'next' });
    expect(await asking).toMatchObject({ code: 'unavailable', detail: expect.stringContaining('broke off') });
    expect(questions).toBe(before);
    gone.unsubscribe();
    asked.unsubscribe();
  });
  test('a call that is served goes on, whoever has which shards', async () => {
    const serving = bus.connection.subscribe(startedOnce.subject);
    let questions = 0;
    const served = bus.connection.subscribe(servedSubject('execution'), {
      callback: (_, message) => {
        questions++;
        message.respond();
      },
    });
    const asking = bus.request(startedOnce, { text: 'a' }, caller, { timeoutMs: 5_000 });
    for await (const message of serving) {
      bus.publishLive(shardsTaken, { shards: [1] }, { workspace: '', entity: 'next' });
      await until(() => questions >= 1);
      message.respond('{"text":"done","by":"x","workspace":"y"}');
      break;
    }
    expect(await asking).toMatchObject({ text: 'done' });
    served.unsubscribe();
  });
});

test('a live event reaches who listens', async () => {
  bus.publishLive(saidLive, { text: 'hi' }, { workspace: caller.workspace, entity: 'e' });
  await until(() => seen.live.length === 1);
});

test('a durable event comes again until its handler succeeds', async () => {
  const stream = jetstream(bus.connection, { checkAPI: false });
  const envelope = { id: 'a', workspace: caller.workspace, entity: 'e', version: 3, at: 1, payload: { text: 'twice' } };
  await stream.publish(saidDurable.subject, JSON.stringify(envelope), { msgID: 'a' });
  await stream.publish(saidDurable.subject, JSON.stringify(envelope), { msgID: 'a' });
  await until(() => seen.durable.length === 1);
  expect(seen.durable).toEqual(['twice e@3']);
});

test('a durable event cannot be published past the outbox', () => {
  expect(() => bus.publishLive(saidDurable, { text: 'a' }, { workspace: '', entity: 'e' })).toThrow('durable');
});

async function until(isTrue: () => boolean): Promise<void> {
  for (let waited = 0; !isTrue() && waited < 3_000; waited += 10) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isTrue()).toBe(true);
}
