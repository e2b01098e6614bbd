import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { connect, credsAuthenticator, headers, type NatsConnection } from '@nats-io/transport-node';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCatalogue, type Catalogue } from '@signalbox/shared/bus/catalogue.js';
import { ensureEventStream } from '@signalbox/shared/bus/event-stream.js';
import { Requests } from '@signalbox/shared/bus/requests.js';
import { atShard, serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { natsBinary } from '../src/nats/binary.ts';
import { credsOf, natsTrust, newNatsKeys, unrestrictedCreds } from '../src/nats/keys.ts';
import { permissionsOf } from '../src/nats/permissions.ts';
import { NatsServer } from '../src/nats/server.ts';

// Servers and processes start in each: slow on a machine that has other work.
jest.setTimeout(180_000);

const keys = newNatsKeys();
let work: string;
let server: NatsServer;
let catalogue: Catalogue;
let everything: NatsConnection;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-nats-'));
  catalogue = await loadCatalogue();
  const { path } = await natsBinary(work);
  server = await NatsServer.start({
    binary: path,
    folder: join(work, 'nats'),
    trust: await natsTrust(keys, (service) => permissionsOf(service, catalogue)),
  });
  everything = await connect({ servers: server.url, authenticator: credsAuthenticator(await unrestrictedCreds(keys, 'test')) });
});

afterAll(async () => {
  await everything.close();
  await server.stop();
  await rm(work, { recursive: true, force: true });
});

async function asService(service: ServiceName): Promise<NatsConnection> {
  return connect({
    servers: server.url,
    inboxPrefix: `_INBOX_${service}`,
    authenticator: credsAuthenticator(await credsOf(keys, service)),
  });
}

/** The server's refusals that a connection hears, while `work` runs. */
async function refusals(connection: NatsConnection, work: () => void): Promise<string[]> {
  const heard: string[] = [];
  void (async () => {
    for await (const status of connection.status()) if (status.type === 'error') heard.push(status.error.message);
  })();
  work();
  await connection.flush();
  await new Promise((resolve) => setTimeout(resolve, 50));
  return heard;
}

test('nobody comes in without credentials', async () => {
  await expect(connect({ servers: server.url, maxReconnectAttempts: 0, reconnect: false })).rejects.toThrow(/authorization/i);
});

test('a service publishes and hears what its contracts say, and is refused all else', async () => {
  const context = await asService('context');
  const quiet = { callback: () => undefined };
  try {
    for (const subject of [
      'sb.security.identity.issue.api-gateway',
      'sb.event.registry.agent.changed',
      'sb.context.state.put',
      '_INBOX_api-gateway.x',
      '$JS.API.STREAM.DELETE.EVENTS',
    ]) {
      expect(await refusals(context, () => context.publish(subject, '{}'))).toEqual([expect.stringMatching(/permissions violation/i)]);
    }
    for (const subject of ['>', 'sb.>', 'sb.registry.agent.list', '_INBOX_api-gateway.>', '_INBOX.>', 'sb.event.>']) {
      expect(await refusals(context, () => context.subscribe(subject, quiet))).toEqual([expect.stringMatching(/permissions violation/i)]);
    }
    expect(await refusals(context, () => context.publish('sb.security.signing-keys.get.context', '{}'))).toEqual([]);
    expect(await refusals(context, () => context.subscribe('sb.context.state.put', { ...quiet, queue: 'context' }))).toEqual([]);
  } finally {
    await context.close();
  }
});

test('a question that a service may not ask fails at once, and its other questions go on', async () => {
  const context = await asService('context');
  try {
    const requests = new Requests(context, '_INBOX_context');
    const asked = { headers: headers(), timeoutMs: 30_000 };
    const allowed = requests.ask('sb.security.signing-keys.get.context', '{}', asked).answer.catch((thrown: unknown) => thrown);
    await expect(requests.ask('sb.registry.agent.list', '{}', asked).answer).rejects.toMatchObject({ name: 'PermissionViolationError' });
    expect(await allowed).toMatchObject({ name: 'NoResponders' });
  } finally {
    await context.close();
  }
});

test('a service answers whoever asked it, into an inbox that only that one hears', async () => {
  const [context, gateway] = await Promise.all([asService('context'), asService('api-gateway')]);
  try {
    context.subscribe('sb.context.state.put', { queue: 'context', callback: (_, message) => void message.respond('done') });
    await context.flush();
    const answer = await gateway.request('sb.context.state.put', '{}', { timeout: 2_000 });
    expect(answer.string()).toBe('done');
    expect(answer.subject).toMatch(/^_INBOX_api-gateway\./);
  } finally {
    await Promise.all([context.close(), gateway.close()]);
  }
});

test('every service may make the event stream, with the account’s limits', async () => {
  for (const service of serviceNames) {
    const connection = await asService(service);
    await ensureEventStream(connection);
    await connection.close();
  }
});

test('every contract’s caller may send it, and its service may hear it', () => {
  const handedOn = catalogue.contracts.filter(({ shardOf }) => shardOf !== undefined).map(atShard);
  expect(handedOn.map(({ subject }) => subject)).toContain('sb.execution.shard.*.run.get');
  for (const { subject, service, callers, identity, shard } of [...catalogue.contracts, ...handedOn]) {
    for (const caller of callers)
      expect(permissionsOf(caller, catalogue).publish).toContain(identity === 'service' ? `${subject}.${caller}` : subject);
    const heard = shard ? `sb.${service}.shard.*.>` : identity === 'service' ? `${subject}.*` : subject;
    expect(permissionsOf(service, catalogue).subscribe).toContain(heard);
  }
  for (const { subject, service, durable, listeners } of catalogue.events) {
    expect(permissionsOf(service, catalogue).publish).toContain(subject);
    for (const listener of listeners) if (!durable) expect(permissionsOf(listener, catalogue).subscribe).toContain(subject);
  }
});

test('a server that was left running is ended by the next start, on the same store', async () => {
  const folder = join(work, 'left');
  const { path } = await natsBinary(work);
  const trust = await natsTrust(keys, (service) => permissionsOf(service, catalogue));
  const left = await NatsServer.start({ binary: path, folder, trust });
  const next = await NatsServer.start({ binary: path, folder, trust, port: left.port });
  expect(left.process.signalCode ?? left.process.exitCode).not.toBeNull();
  expect(next.port).toBe(left.port);
  await next.kill();
  await next.stop(); // what is gone stays gone
});

test('a server that cannot start is named, with what it said', async () => {
  const trust = await natsTrust(keys, (service) => permissionsOf(service, catalogue));
  const { path } = await natsBinary(work);
  await expect(NatsServer.start({ binary: path, folder: join(work, 'taken'), trust, port: server.port })).rejects.toMatchObject({
    detail: expect.stringMatching(/did not start. It said:[\s\S]*address already in use/),
  });
  await expect(NatsServer.start({ binary: '/nowhere/nats-server', folder: join(work, 'none'), trust })).rejects.toMatchObject({
    detail: expect.stringContaining('ENOENT'),
  });
});
