import { jetstream, JetStreamApiError, jetstreamManager, RetentionPolicy, StorageType, type JetStreamManager } from '@nats-io/jetstream';
import { NoRespondersError, type NatsConnection } from '@nats-io/transport-node';
import { log } from '../telemetry/log.ts';

export const eventStream = 'EVENTS';
/** What stands under numbers of events that the stream has lost. Nobody hears it. */
export const gapSubject = 'sb.event.gap';
/**
 * How long a request for events stands, in ms. As long waits the client until it asks again where its first question after a lost connection
 * was not answered (its own 30 s would be a silence that people see); missed heartbeats, at half of it, are noticed as soon.
 */
export const pullExpiresMs = 5_000;
/** As long as outbox rows are kept: what is older can be had from the services. */
const keepMs = 24 * 3_600_000;
const maxBytes = 256 * 1024 * 1024;
/** A second copy of an event within this time is dropped by its message id. */
const duplicateWindowMs = 120_000;

const leftOutAtOnce = 256;
/** JSStreamNameExistErr of the server's `errors.json`. */
const otherConfiguration = 10058;

/** How long a server may need until its JetStream answers. */
const jetstreamWaitMs = 10_000;

/**
 * Makes the stream of durable events if it is missing, and leaves out the numbers of events that it has lost. Every service does so at start, and
 * before it publishes over a connection that was lost: whoever comes first wins.
 */
export async function ensureEventStream(connection: NatsConnection): Promise<void> {
  for (const end = performance.now() + jetstreamWaitMs; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    try {
      return await addEventStream(connection);
    } catch (error) {
      // A server that has just started listens before its JetStream does.
      const isStarting = [error, (error as Error).cause].some(
        (cause) => cause instanceof NoRespondersError || (cause as Error | undefined)?.name === 'JetStreamNotEnabled',
      );
      if (!isStarting || performance.now() > end) throw error;
    }
  }
}

async function addEventStream(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  try {
    await manager.streams.add({
      name: eventStream,
      subjects: ['sb.event.>'],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      max_age: keepMs * 1e6,
      max_bytes: maxBytes,
      duplicate_window: duplicateWindowMs * 1e6,
      allow_direct: true, // each service may read the newest event of each of its own subjects, and no other
    });
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === otherConfiguration)) throw error; // as an operator or an earlier version made it
  }
  await leaveOutLost(connection, manager);
}

/**
 * After the power failed, consumers may have heard more than the stream still has (it is written to the disk every two minutes). New events would come
 * under the numbers of lost ones, and the server would take them for heard.
 */
async function leaveOutLost(connection: NatsConnection, manager: JetStreamManager): Promise<void> {
  let heard = 0;
  for await (const { delivered } of manager.consumers.list(eventStream)) heard = Math.max(heard, delivered.stream_seq);
  let { last_seq: last } = (await manager.streams.info(eventStream)).state;
  if (last >= heard) return;
  log.warn('the event stream has lost events that were heard: their numbers are left out', { from: last + 1, to: heard });
  const stream = jetstream(connection, { checkAPI: false });
  while (last < heard) {
    const count = Math.min(heard - last, leftOutAtOnce);
    const answers = await Promise.all(Array.from({ length: count }, () => stream.publish(gapSubject)));
    last = Math.max(...answers.map(({ seq }) => seq));
  }
}
