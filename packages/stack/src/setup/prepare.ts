import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadCatalogue } from '@signalbox/shared/bus/catalogue.js';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { readOrMake, writePrivate } from '../data-folder/private-files.ts';
import { addPasswords } from '../data-folder/secrets.ts';
import { urlWith, withClient } from '../database/connect.ts';
import { setUpDatabase } from '../database/set-up.ts';
import { migrate, planMigrations, type MigrationTarget } from '../database/service-migrations.ts';
import { databaseName, owningServices, roleOf } from '../database/services.ts';
import { credsOf, natsTrust, newNatsKeys, type NatsKeys } from '../nats/keys.ts';
import { permissionsOf } from '../nats/permissions.ts';
import { trustConfiguration } from '../nats/server.ts';
import { StackFault } from '../stack-fault.ts';

/** Every secret of an installation, made once. */
export interface SetupKeys {
  roles: Record<string, string>;
  nats: NatsKeys;
  adminKey: string;
  masterKey: string;
}

/** A database that starts beside us may not listen yet. */
const databaseWaitMs = 60_000;

/** The secrets kept in `folder`, made where they are missing; `SIGNALBOX_ADMIN_KEY` presets the administrator's key. */
export async function openKeys(folder: string): Promise<SetupKeys> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'keys.json');
  const keys = await readOrMake<SetupKeys>(path, () => ({
    roles: {},
    nats: newNatsKeys(),
    adminKey: process.env['SIGNALBOX_ADMIN_KEY'] || `sbx_${randomBytes(32).toString('hex')}`,
    masterKey: randomBytes(32).toString('base64'),
  }));
  if (addPasswords(keys.roles)) {
    await writePrivate(path, JSON.stringify(keys)).catch((cause: Error) => {
      throw new StackFault(
        `${path} has no password for a role that came with this version, and cannot be changed: ${cause.message}`,
        'Make the Secrets again from the folder in which they were made, by `dist/setup/main.js manifests`.',
        { cause },
      );
    });
  }
  return keys;
}

/** What the keys and an administrator's URL say of the database. */
export function targetOf(adminUrl: string, keys: SetupKeys, root: string): MigrationTarget {
  return { root, url: urlWith(adminUrl, { database: databaseName }), passwordOf: (role) => keys.roles[role]! };
}

/** Roles, database, schemas and migrations, by a role that may create them. */
export async function prepareDatabase(adminUrl: string, keys: SetupKeys, root: string): Promise<void> {
  const target = targetOf(adminUrl, keys, root);
  await untilItAnswers(adminUrl);
  await setUpDatabase(target.url, target.passwordOf);
  const count = await migrate(target, await planMigrations(target), (sentence) => console.log(sentence));
  console.log(count === 0 ? 'The database is up to date.' : `${count} migrations applied.`);
}

async function untilItAnswers(url: string): Promise<void> {
  const end = performance.now() + databaseWaitMs;
  for (;;) {
    try {
      return await withClient(url, async (client) => void (await client.query('SELECT 1')));
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(500);
    }
  }
}

/** The files of one service: connection strings, NATS user, and for `security` its keys. */
export async function filesOf(
  service: (typeof serviceNames)[number],
  keys: SetupKeys,
  databaseHost: string,
): Promise<Record<string, string>> {
  const urlOf = (role: string): string => `postgres://${role}:${keys.roles[role]}@${databaseHost}/${databaseName}`;
  return {
    'nats.creds': Buffer.from(await credsOf(keys.nats, service)).toString('utf8'),
    ...(owningServices.includes(service) && {
      'database-url': urlOf(roleOf(service, 'request')),
      'system-database-url': urlOf(roleOf(service, 'system')),
    }),
    ...(service === 'security' && { 'admin-key': keys.adminKey, 'master-key': keys.masterKey }),
  };
}

/** `nats-server.conf` of a server that other containers reach. */
export async function natsConfigurationFile(keys: SetupKeys): Promise<string> {
  const catalogue = await loadCatalogue();
  const trust = await natsTrust(keys.nats, (service) => permissionsOf(service, catalogue));
  return `port: 4222\nhttp_port: 8222\njetstream {\n  store_dir: "/data"\n}\n${trustConfiguration(trust)}`;
}

/** One folder a service, readable by the user of its container alone. */
export async function writeFolders(folder: string, keys: SetupKeys, databaseHost: string): Promise<void> {
  for (const service of serviceNames) await writeFolder(join(folder, service), await filesOf(service, keys, databaseHost));
  await writeFolder(join(folder, 'nats'), { 'nats-server.conf': await natsConfigurationFile(keys) });
}

async function writeFolder(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
}
