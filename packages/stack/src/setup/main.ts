/**
 * Prepares existing servers for Signalbox, as containers and clusters need it: roles, schemas and migrations in PostgreSQL, an operator, its
 * account and a user for each service for NATS. Idempotent: what is there stays, secrets included.
 *
 *   node dist/setup/main.js prepare    ADMIN_DATABASE_URL, DATABASE_HOST, SETUP_DIR: everything, into folders (one a service) below SETUP_DIR
 *   node dist/setup/main.js migrate    the same without NATS and folders: roles, schemas, pending migrations
 *   node dist/setup/main.js key        the administrator's key on standard output
 *   node dist/setup/main.js backup FILE, restore FILE   with ADMIN_DATABASE_URL and SETUP_DIR: see docs/operations.md
 *   node dist/setup/main.js manifests  Kubernetes Secrets and the ConfigMap of NATS on standard output, from the same SETUP_DIR
 */
import { fileURLToPath } from 'node:url';
import { checkBackup } from '../backup/format.ts';
import { masterKeyIds } from '../backup/master-key-id.ts';
import { checkMasterKey, restoreBackup } from '../backup/restore.ts';
import { writeBackup } from '../backup/write.ts';
import { setUpDatabase } from '../database/set-up.ts';
import { databaseUrlOf } from '../launch/existing-servers.ts';
import { StackFault } from '../stack-fault.ts';
import { manifests } from './manifests.ts';
import { openKeys, prepareDatabase, targetOf, writeFolders } from './prepare.ts';

const commands: Record<string, () => Promise<void>> = {
  prepare: async () => {
    const keys = await openKeys(required('SETUP_DIR'));
    await prepareDatabase(adminUrl(), keys, root);
    await writeFolders(required('SETUP_DIR'), keys, required('DATABASE_HOST'));
  },
  migrate: async () => prepareDatabase(adminUrl(), await openKeys(required('SETUP_DIR')), root),
  key: async () => console.log((await openKeys(required('SETUP_DIR'))).adminKey),
  backup: async () => {
    const keys = await openKeys(required('SETUP_DIR'));
    const [masterKey = null] = masterKeyIds(keys.masterKey);
    const { rows } = await writeBackup(targetOf(adminUrl(), keys, root), file(), masterKey);
    console.log(`${rows} rows are in ${file()}. The master key ${masterKey} is not: it is in ${required('SETUP_DIR')}.`);
  },
  restore: async () => {
    const keys = await openKeys(required('SETUP_DIR'));
    const target = targetOf(adminUrl(), keys, root);
    checkMasterKey(await checkBackup(file()), masterKeyIds(keys.masterKey), required('SETUP_DIR'));
    await setUpDatabase(target.url, target.passwordOf);
    console.log(`${(await restoreBackup(target, file())).rows} rows were restored.`);
  },
  manifests: async () => console.log(await manifests(await openKeys(required('SETUP_DIR')), required('DATABASE_HOST'))),
};

function adminUrl(): string {
  required('ADMIN_DATABASE_URL');
  return databaseUrlOf(process.env, 'ADMIN_DATABASE_URL');
}

/** Where `apps/<service>/dist/migrations` are: beside this package, in the workspace as in the image. */
const root = fileURLToPath(new URL(process.env['SIGNALBOX_ROOT'] ?? '../../../../', import.meta.url));

function required(name: string): string {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set. See infra/README.md.`);
    process.exit(2);
  }
  return value;
}

function file(): string {
  const path = process.argv[3];
  if (path) return path;
  console.error('Name the file of the backup.');
  process.exit(2);
}

const command = commands[process.argv[2] ?? ''];
if (!command) {
  console.error(`Say one of: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
try {
  await command();
} catch (error) {
  if (!(error instanceof StackFault)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
