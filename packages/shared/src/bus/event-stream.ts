import { jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { NoRespondersError, type NatsConnection } from '@nats-io/transport-node';

export const eventStream = 'EVENTS';
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

/** How long a server may need until its JetStream answers. */
const jetstreamWaitMs = 10_000;

/** Makes the stream of durable events if it is missing. Every service does so at start: whoever comes first wins. */
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
  await manager.streams.add({
    name: eventStream,
    subjects: ['sb.event.>'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: keepMs * 1e6,
    max_bytes: maxBytes,
    duplicate_window: duplicateWindowMs * 1e6,
  });
}
