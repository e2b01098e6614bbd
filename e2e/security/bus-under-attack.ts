import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, credsAuthenticator, headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { header } from '@signalbox/shared/bus/headers.js';
import type { StackUnderTest } from '../stack-under-test.ts';

/** The installation's NATS, by the user of one service: what somebody has who took that service over. */
export async function connectAs(stack: StackUnderTest, service: ServiceName): Promise<NatsConnection> {
  return connect({
    servers: await natsUrl(stack),
    inboxPrefix: `_INBOX_${service}`,
    authenticator: credsAuthenticator(await readFile(join(stack.data, 'creds', `${service}.creds`))),
    reconnect: false,
  });
}

/** Sends a request with an identity of the attacker's choice; the code of the fault that comes back, `ok` if there is none. */
export async function ask(
  connection: NatsConnection,
  subject: string,
  body: object,
  identity?: string,
): Promise<{ code: string; body: unknown }> {
  const sent = headers();
  if (identity !== undefined) sent.set(header.identity, identity);
  const reply: Msg = await connection.request(subject, JSON.stringify(body), { timeout: 5_000, headers: sent });
  return { code: reply.headers?.get(header.fault) || 'ok', body: reply.json() };
}

export async function natsUrl(stack: StackUnderTest): Promise<string> {
  const folder = join(stack.data, 'nats');
  const file = (await readdir(folder)).find((name) => name.endsWith('.ports'))!;
  return (JSON.parse(await readFile(join(folder, file), 'utf8')) as { nats: string[] }).nats[0]!;
}
