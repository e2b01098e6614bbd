import 'reflect-metadata';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { IsString } from 'class-validator';
import { connectBus } from '../src/bus/connection.ts';
import { defineEvent } from '../src/bus/contract.ts';
import { consumerName, deliveriesMax, EventConsumers } from '../src/bus/event-consumers.ts';
import { ensureEventStream, eventStream } from '../src/bus/event-stream.ts';
import { Fault } from '../src/errors/fault.ts';
import { startNats, type TestNats } from './nats.ts';

class Told {
  @IsString() text!: string;
}
const told = defineEvent({ subject: 'sb.event.context.tale.told', payload: Told, listeners: ['context'] });

let nats: TestNats;
let connection: NatsConnection;
beforeAll(async () => {
  nats = await startNats();
  connection = await connectBus({ natsUrl: nats.url, name: 'context' });
});
afterAll(async () => {
  await connection.close();
  await nats[Symbol.asyncDispose]();
});

test('an event is kept for as long as what its handler needs is away, and a bug gives it up after many tries', async () => {
  const name = consumerName('context', told.subject);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureEventStream(connection);
  // as an earlier version made it; its tries are soon: nobody waits for half an hour here
  await manager.consumers.add(eventStream, {
    durable_name: name,
    filter_subject: told.subject,
    ack_policy: AckPolicy.Explicit,
    ack_wait: 30_000 * 1e6,
    max_deliver: 50,
    max_ack_pending: 256,
  });
  const tries = { away: 0, bug: 0, next: 0 };
  const consumers = new EventConsumers('context', connection, 2);
  const handler = async (payload: unknown): Promise<void> => {
    const { text } = payload as Told;
    tries[text as keyof typeof tries]++;
    if (text === 'bug') throw new Error('cannot');
    if (text === 'away' && tries.away <= deliveriesMax + 5) throw new Fault('unavailable', 'the database is away', 'Wait.');
  };
  await consumers.start([{ event: told, handler }]);
  expect((await manager.consumers.info(eventStream, name)).config.max_deliver).toBe(-1);
  const stream = jetstream(connection, { checkAPI: false });
  for (const text of ['away', 'bug', 'next']) {
    await stream.publish(told.subject, JSON.stringify({ id: text, workspace: 'w', entity: 'e', version: 1, at: 1, payload: { text } }));
  }
  const isDone = async (): Promise<boolean> => {
    const { num_ack_pending, num_pending } = await manager.consumers.info(eventStream, name);
    return num_ack_pending === 0 && num_pending === 0;
  };
  for (let waited = 0; waited < 15_000 && !(await isDone()); waited += 100) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(tries).toEqual({ away: deliveriesMax + 6, bug: deliveriesMax, next: 1 });
  expect(await isDone()).toBe(true);
  await consumers.stop();
});
