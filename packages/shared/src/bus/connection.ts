import { readFile } from 'node:fs/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { log } from '../telemetry/log.ts';
import { nativeAuthenticator } from './native-authenticator.ts';

export interface BusConnectionOptions {
  natsUrl: string;
  /** File of the service's NATS user; empty where the server asks for none (tests). */
  natsCreds?: string;
  /** The service's name: it makes the inbox prefix, which NATS lets no other service hear. */
  name: string;
}

/** Connects to NATS, waits for the first connection and never gives up on a later one. */
export async function connectBus({ natsUrl, natsCreds, name }: BusConnectionOptions): Promise<NatsConnection> {
  const connection = await connect({
    servers: natsUrl.split(','),
    name,
    inboxPrefix: `_INBOX_${name}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 200,
    pingInterval: 5_000,
    maxPingOut: 2,
    waitOnFirstConnect: true,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(natsCreds && { authenticator: nativeAuthenticator(await readFile(natsCreds, 'utf8')) }),
  });
  void watch(connection);
  return connection;
}

/** Connections that are lost now, with what resolves when they are back. */
const outages = new WeakMap<NatsConnection, PromiseWithResolvers<void>>();

async function watch(connection: NatsConnection): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect') {
      if (!outages.has(connection)) outages.set(connection, Promise.withResolvers());
      log.warn('the connection to nats is lost');
    } else if (status.type === 'reconnect') {
      outages.get(connection)?.resolve();
      outages.delete(connection);
      log.info('the connection to nats is back');
    } else if (status.type === 'error') log.error('nats reports an error', { err: status.error });
  }
}

/** Whether the connection is lost now: what is sent meanwhile would be dropped in silence. */
export function isLost(connection: NatsConnection): boolean {
  return outages.has(connection);
}

/** Waits until a lost connection is back; false when it is not within `timeoutMs`. */
export async function untilBack(connection: NatsConnection, timeoutMs: number): Promise<boolean> {
  const outage = outages.get(connection);
  if (!outage) return true;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
  try {
    return await Promise.race([outage.promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
