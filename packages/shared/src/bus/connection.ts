import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { TE } from '@nats-io/nats-core/internal';
import {
  connect,
  NatsConnectionImpl,
  setTransportFactory,
  type ConnectionOptions,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { nodeResolveHost } from '@nats-io/transport-node/lib/node_transport.js';
import { isNatsTls, natsHosts } from '../config/server-url.ts';
import { log } from '../telemetry/log.ts';
import { GatheringTransport } from './gathering-transport.ts';
import { nativeAuthenticator } from './native-authenticator.ts';

/** With this the client encodes each command, header and text: Node needs several times as long for a `TextEncoder` as for a `Buffer`. */
TE.encode = (text = '') => Buffer.from(text);

export interface BusConnectionOptions {
  natsUrl: string;
  /** File of the service's NATS user; empty where the server asks for none (tests). */
  natsCreds?: string;
  /** PEM file of the CA that is trusted for it; empty: those of Node. */
  natsCaFile?: string;
  /** The service's name: it makes the inbox prefix, which NATS lets no other service hear. */
  name: string;
}

/**
 * Connects to NATS, waits for the first connection and never gives up on a later one. Ends with an error only where waiting would not help: when the
 * server shows a certificate that is not trusted, or speaks no TLS though it must.
 */
export async function connectBus({ natsUrl, natsCreds, natsCaFile = '', name }: BusConnectionOptions): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: natsUrl.split(',').map((url) => url.trim()),
    name,
    inboxPrefix: `_INBOX_${name}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 200,
    pingInterval: 5_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(isNatsTls(natsUrl, natsCaFile) && { tls: tlsOptions(natsUrl, natsCaFile) }),
    ...(natsCreds && { authenticator: nativeAuthenticator(await readFile(natsCreds, 'utf8')) }),
  };
  if (options.tls) await refuseUntrusted(options);
  setTransportFactory({ factory: () => new GatheringTransport(), dnsResolveFn: nodeResolveHost });
  const connection = await NatsConnectionImpl.connect({ ...options, waitOnFirstConnect: true });
  void watch(connection);
  return connection;
}

const untrustedPattern = /CERT|certificate|altnames|SELF_SIGNED|UNABLE_TO_|ENOENT|does not support 'tls'/;

/** Tries each server once: who waits for the first connection is never told why there is none. */
async function refuseUntrusted(options: ConnectionOptions): Promise<void> {
  try {
    await (await connect(options)).close();
  } catch (cause) {
    const { code = '', message } = cause as { code?: string; message: string };
    if (!untrustedPattern.test(`${code} ${message}`)) return; // it may not listen yet
    throw new Error(
      `NATS at ${natsHosts(String(options.servers)).join(', ')} cannot be trusted: ${message}. NATS_CA_FILE names the CA of its certificate`,
      {
        cause,
      },
    );
  }
}

/**
 * With these the client speaks TLS or not at all. It tells Node no name for a server that is given by its address, and Node would then look for
 * `localhost` in the certificate: what must stand there is one of the given addresses.
 */
function tlsOptions(natsUrl: string, caFile: string): TlsOptions {
  const nameless = natsHosts(natsUrl).filter((host) => isIP(host) !== 0 || host === 'localhost');
  const options = {
    ...(caFile && { caFile }),
    checkServerIdentity: (name: string, certificate: PeerCertificate): Error | undefined => {
      if (name !== 'localhost') return checkServerIdentity(name, certificate);
      const faults = nameless.map((host) => checkServerIdentity(host, certificate));
      return faults.includes(undefined) ? undefined : (faults[0] ?? new Error('the certificate of NATS names none of its servers'));
    },
  };
  return options;
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
