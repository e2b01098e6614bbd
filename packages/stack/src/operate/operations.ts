/** What `signalbox db init`, `nats init`, `backup` and `restore` do. The command line of packages/sdk loads this file where it finds the clone. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkBackup } from '../backup/format.ts';
import { masterKeyIdsIn } from '../backup/master-key-id.ts';
import { checkMasterKey, restoreBackup } from '../backup/restore.ts';
import { writeBackup } from '../backup/write.ts';
import { urlWith } from '../database/connect.ts';
import { setUpScript } from '../database/roles.ts';
import { databaseName, owningServices, roleOf } from '../database/services.ts';
import { databaseOf, setUpDatabase } from '../database/set-up.ts';
import { layoutOf, type DataLayout } from '../data-folder/layout.ts';
import { isDataFolder, openDataFolder } from '../data-folder/open.ts';
import { writePrivate } from '../data-folder/private-files.ts';
import { databasePasswords } from '../data-folder/secrets.ts';
import { databaseUrlOf } from '../launch/existing-servers.ts';
import { onDatabase } from '../launch/on-database.ts';
import { backupFile } from '../launch/prepare-database.ts';
import { runningPort } from '../postgres/cluster.ts';
import { writeNatsFolder } from '../setup/nats-folder.ts';
import { StackFault } from '../stack-fault.ts';

export interface Place {
  /** The clone: migrations are in it. */
  root: string;
  data: string;
  environment: Record<string, string | undefined>;
  /** Tells a person how it goes on. */
  say: (sentence: string) => void;
}

/**
 * Roles, database, schemas and grants on the server of `DATABASE_URL`, or with `print` the SQL for them. Passwords are kept in the data folder, and
 * each service's URLs in files of its own there (when `DATABASE_URL` says where the server is).
 */
export async function initDatabase({ data, environment, say }: Place, print?: (sql: string) => void): Promise<void> {
  const adminUrl = databaseUrlOf(environment);
  if (!print && !adminUrl) {
    throw new StackFault(
      'DATABASE_URL does not name a server.',
      'Set it to an administrator’s URL, or print the SQL for an administrator: signalbox db init --print.',
    );
  }
  const layout = await openDataFolder(data, '');
  const { roles } = await databasePasswords(layout);
  const passwordOf = (role: string): string => roles[role]!;
  if (print) print(setUpScript(adminUrl ? databaseOf(adminUrl) : databaseName, passwordOf));
  else {
    await setUpDatabase(adminUrl, passwordOf);
    say(`Roles, database and schemas are there. Passwords are kept in ${layout.passwordsFile}.`);
  }
  if (!adminUrl) return;
  const folder = join(layout.root, 'database');
  for (const service of owningServices) {
    await mkdir(join(folder, service), { recursive: true, mode: 0o700 });
    for (const [name, kind] of [
      ['database-url', 'request'],
      ['system-database-url', 'system'],
    ] as const) {
      const user = roleOf(service, kind);
      await writePrivate(
        join(folder, service, name),
        urlWith(adminUrl, { user, password: passwordOf(user), database: databaseOf(adminUrl) }),
      );
    }
  }
  say(`The URLs of each service are in ${folder}.`);
}

/** Operator, account, users and the server's configuration for an existing NATS, in a folder. */
export async function initNats({ say }: Pick<Place, 'say'>, folder: string): Promise<void> {
  await writeNatsFolder(folder, say);
}

/** Writes a backup of a running or resting installation. */
export async function backup({ root, data, environment, say }: Place, file?: string): Promise<void> {
  if (!(await isDataFolder(data)))
    throw new StackFault(`${data} is no data folder of Signalbox.`, 'Name it by --data DIR or SIGNALBOX_DATA.');
  const layout = await openDataFolder(data, '');
  const path = file === undefined ? backupFile(layout, 'backup') : resolve(file);
  const keyFile = masterKeyFile(layout, environment);
  const [masterKey = null] = await masterKeyIdsIn(keyFile);
  const { roles } = await databasePasswords(layout);
  const source = (url: string) => ({ url, passwordOf: (role: string) => roles[role]! });
  const write = async (url: string): Promise<void> => {
    const { rows } = await writeBackup(source(url), path, masterKey);
    say(`${rows} rows are in ${path}.`);
    say(
      masterKey === null
        ? `There is no master key in ${keyFile}, so that the backup cannot say which one its secrets need: name it by MASTER_KEY_FILE.`
        : `The master key ${masterKey} (${keyFile}) is not in it: keep a copy of that elsewhere.`,
    );
  };
  const existing = databaseUrlOf(environment);
  if (existing) return write(urlWith(existing, { database: databaseOf(existing) }));
  const port = await runningPort(layout.postgres);
  if (port !== null) return write(`postgres://127.0.0.1:${port}/${databaseName}`);
  await onDatabase(root, data, environment, ({ url }) => write(url));
}

/** Restores a backup into an installation without rows, made if it is missing. `masterKey` is a file to put there as its master key. */
export async function restore({ root, data, environment, say }: Place, file: string, masterKey?: string): Promise<void> {
  const head = await checkBackup(file);
  const keyFile = masterKeyFile(layoutOf(data), environment);
  const there = await masterKeyIdsIn(keyFile);
  if (masterKey !== undefined && there.length > 0)
    throw new StackFault(`There is a master key in ${keyFile} already.`, 'Restore without naming another.');
  checkMasterKey(head, masterKey === undefined ? there : await masterKeyIdsIn(masterKey), masterKey ?? keyFile);
  await onDatabase(root, data, environment, async (target) => {
    const { rows } = await restoreBackup(target, file);
    if (masterKey !== undefined) {
      await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
      await writePrivate(keyFile, await readFile(masterKey));
    }
    say(`${rows} rows of ${head.at} were restored.`);
  });
}

function masterKeyFile(layout: DataLayout, environment: Place['environment']): string {
  return environment['MASTER_KEY_FILE'] || layout.masterKeyFile;
}
