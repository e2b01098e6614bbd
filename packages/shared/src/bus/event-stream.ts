import { jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

export const eventStream = 'EVENTS';
/** As long as outbox rows are kept: what is older can be had from the services. */
const keepMs = 24 * 3_600_000;
const maxBytes = 256 * 1024 * 1024;
/** A second copy of an event within this time is dropped by its message id. */
const duplicateWindowMs = 120_000;

/** Makes the stream of durable events if it is missing. Every service does so at start: whoever comes first wins. */
export async function ensureEventStream(connection: NatsConnection): Promise<void> {
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
