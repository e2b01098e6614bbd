import { Client } from 'pg';
import { StackFault } from '../stack-fault.ts';

/** Connects, works and leaves. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000, application_name: 'signalbox-setup' });
  client.on('error', () => undefined); // queries reject by themselves
  try {
    await client.connect();
  } catch (cause) {
    const { host } = URL.parse(url) ?? { host: 'the database' };
    throw new StackFault(
      `PostgreSQL at ${host} cannot be used: ${(cause as Error).message}`,
      'Check that it runs and that DATABASE_URL is right.',
      { cause },
    );
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The URL with another database, user or password. */
export function urlWith(url: string, change: { database?: string; user?: string; password?: string }): string {
  const changed = new URL(url);
  if (change.database !== undefined) changed.pathname = `/${encodeURIComponent(change.database)}`;
  if (change.user !== undefined) changed.username = encodeURIComponent(change.user);
  if (change.password !== undefined) changed.password = encodeURIComponent(change.password);
  return changed.href;
}
