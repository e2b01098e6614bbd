import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { connectBus } from '../src/bus/connection.ts';
import { Requests } from '../src/bus/requests.ts';
import { startNats, type TestNats } from './nats.ts';

let nats: TestNats;
let service: NatsConnection;
let connection: NatsConnection;

beforeAll(async () => {
  nats = await startNats();
  service = await connectBus({ natsUrl: nats.url, name: 'context' });
  connection = await connectBus({ natsUrl: nats.url, name: 'registry' });
  service.subscribe('twice', {
    callback: (_, message) => {
      message.respond(message.data);
      message.respond('once more');
    },
  });
  service.subscribe('silent', { callback: () => undefined });
  await service.flush();
});

afterAll(async () => {
  await Promise.all([connection?.close(), service?.close()]);
  await nats?.[Symbol.asyncDispose]();
});

function ask(requests: Requests, subject: string, body = '{}', timeoutMs = 5_000): ReturnType<Requests['ask']> {
  return requests.ask(subject, body, { headers: headers(), timeoutMs });
}

test('each question gets its own answer, and one that comes twice counts once', async () => {
  const requests = new Requests(connection, '_INBOX_registry');
  const bodies = Array.from({ length: 200 }, (_, number) => `{"n":"${number} – ü"}`);
  const answers = await Promise.all(bodies.map((body) => ask(requests, 'twice', body).answer));
  expect(answers.map((message) => message.string())).toEqual(bodies);
});

test('a large answer and a large question come whole', async () => {
  const body = 'ü'.repeat(400_000);
  expect((await ask(new Requests(connection, '_INBOX_registry'), 'twice', body).answer).string()).toBe(body);
});

test('nobody there, an answer that is late and a wait that is ended are told apart', async () => {
  const requests = new Requests(connection, '_INBOX_registry');
  await expect(ask(requests, 'nobody').answer).rejects.toMatchObject({ name: 'NoResponders' });
  const since = performance.now();
  await expect(ask(requests, 'silent', '', 100).answer).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(performance.now() - since).toBeGreaterThanOrEqual(99);
  const asking = ask(requests, 'silent');
  asking.fail(new Error('enough'));
  asking.fail(new Error('again'));
  await expect(asking.answer).rejects.toThrow('enough');
});

test('what is larger than NATS takes fails at once', async () => {
  await expect(ask(new Requests(connection, '_INBOX_registry'), 'twice', 'x'.repeat(2_000_000)).answer).rejects.toThrow(/max_payload/);
});

test('when the connection closes nobody waits on, and nothing is asked any more', async () => {
  const own = await connectBus({ natsUrl: nats.url, name: 'registry' });
  const requests = new Requests(own, '_INBOX_registry');
  const waiting = ask(requests, 'silent', '', 60_000).answer;
  const outcome = waiting.catch((thrown: unknown) => thrown);
  await own.flush();
  await own.close();
  expect(await outcome).toMatchObject({ message: 'the connection to nats is closed' });
  await expect(ask(requests, 'twice').answer).rejects.toMatchObject({ name: 'ClosedConnectionError' });
});
