import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'pg';
import { ensureRoles, type RolePasswords } from '@signalbox/stack/database/roles.js';
import { allRoles } from '@signalbox/stack/database/services.js';
import { PostgresCluster } from '@signalbox/stack/postgres/cluster.js';

/** Test data needs no disk that survives a power cut; all else is as in the stack. */
const testSettings = { fsync: 'off', full_page_writes: 'off', max_connections: '400' };

/** Passwords of the services' roles in a test server: whoever has the superuser's URL knows them. */
export function rolePasswords(superuserUrl: string): RolePasswords {
  const { password } = new URL(superuserUrl);
  return (role) => createHmac('sha256', password).update(role).digest('hex');
}

/** A PostgreSQL server for tests, with the services' roles, in a folder that PostgreSQL's account can reach. */
export async function startTestPostgres(
  folder: string,
  options: { durable?: boolean; port?: number; password?: string } = {},
): Promise<PostgresCluster> {
  const cluster = await PostgresCluster.start({
    folder: join(folder, 'postgres'),
    binariesFolder: join(folder, 'bin'),
    password: options.password ?? randomBytes(24).toString('hex'),
    settings: options.durable ? { max_connections: '200' } : testSettings,
    ...(options.port !== undefined && { port: options.port }),
  });
  try {
    await withClient(cluster.url(), (client) => ensureRoles(client, rolePasswords(cluster.url())));
  } catch (error) {
    await cluster.kill();
    throw error;
  }
  return cluster;
}

/** Makes the roles on a server that somebody else started, unless they are there. */
export async function ensureTestRoles(superuserUrl: string): Promise<void> {
  await withClient(superuserUrl, async (client) => {
    const { rows } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = ANY($1)', [allRoles]);
    if (rows.length < allRoles.length) await ensureRoles(client, rolePasswords(superuserUrl));
  });
}

/** Connects, works and leaves. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined); // a server that a test stops is no reason to fail here; queries reject by themselves
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
