import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { Bus } from '../src/bus/bus.ts';
import { connectBus } from '../src/bus/connection.ts';
import { credentialRevoked } from '../src/contracts/security/credential-revoked.ts';
import { listRevocations } from '../src/contracts/security/list-revocations.ts';
import type { IdentityBroker } from '../src/identity/identity-broker.ts';
import { RevocationWatch } from '../src/identity/revocation-watch.ts';
import type { IdentityVerifier } from '../src/identity/verifier.ts';
import { startNats, type TestNats } from './nats.ts';

let nats: TestNats;
let security: NatsConnection;
let bus: Bus;
let polls: Subscription;
let watch: RevocationWatch;
let listed: { id: string; at: number }[] = [];
let cursors: (string | undefined)[] = [];
const forgotten: string[] = [];
const refused: string[] = [];

beforeAll(async () => {
  nats = await startNats();
  security = await connectBus({ natsUrl: nats.url, name: 'security' });
  bus = new Bus('registry', await connectBus({ natsUrl: nats.url, name: 'registry' }));
  polls = security.subscribe(`${listRevocations.subject}.registry`, {
    callback: (_, message) => {
      cursors.push(message.json<{ cursor?: string }>().cursor);
      message.respond(JSON.stringify({ data: listed, cursor: `c${cursors.length}` }));
    },
  });
});

afterAll(async () => {
  polls?.unsubscribe();
  await bus?.connection.close();
  await security?.close();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  forgotten.length = refused.length = 0;
  listed = [];
  cursors = [];
  const broker = { forget: (id: string) => forgotten.push(id) } as unknown as IdentityBroker;
  const verifier = { revoke: (id: string) => refused.push(id) } as unknown as IdentityVerifier;
  watch = new RevocationWatch(bus, broker, verifier);
  watch.start();
  await bus.connection.flush();
});

afterEach(() => watch.stop());

async function tell(payload: unknown): Promise<void> {
  security.publish(credentialRevoked.subject, JSON.stringify({ id: '1', workspace: '', entity: '', version: 0, at: 0, payload }));
  await security.flush();
  await bus.connection.flush();
  await new Promise((resolve) => setTimeout(resolve, 20));
}

test('a revocation that is told is felt at once, and once', async () => {
  const heard: string[] = [];
  watch.onRevoked(() => {
    throw new Error('a listener that fails');
  });
  const unhear = watch.onRevoked((id) => heard.push(id));
  await tell({ id: 'key_1', at: 5 });
  await tell({ id: 'key_1', at: 5 });
  unhear();
  await tell({ id: 'key_2', at: 6 });
  expect([forgotten, refused, heard]).toEqual([['key_1', 'key_2'], ['key_1', 'key_2'], ['key_1']]);
});

test('what is no revocation is passed over', async () => {
  await tell({ id: 7 });
  await tell('x');
  security.publish(credentialRevoked.subject, '{');
  await tell({ id: 'key_3', at: 7 });
  expect(forgotten).toEqual(['key_3']);
});

test('a revocation whose event was missed is felt within 5 s, and the list is read on from there', async () => {
  listed = [{ id: 'key_missed', at: 8 }];
  const since = performance.now();
  while (forgotten.length === 0 && performance.now() - since < 5_000) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(forgotten).toEqual(['key_missed']);
  await new Promise((resolve) => setTimeout(resolve, 3_200));
  expect(cursors.slice(0, 2)).toEqual([undefined, 'c1']);
  expect(forgotten).toEqual(['key_missed']);
});
