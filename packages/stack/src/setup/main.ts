/**
 * Prepares existing servers for Signalbox, as containers and clusters need it: roles, schemas and migrations in PostgreSQL, an operator, its
 * account and a user for each service for NATS. Idempotent: what is there stays, secrets included.
 *
 *   node dist/setup/main.js prepare    ADMIN_DATABASE_URL, DATABASE_HOST, SETUP_DIR: everything, into folders (one a service) below SETUP_DIR
 *   node dist/setup/main.js migrate    the same without NATS and folders: roles, schemas, pending migrations
 *   node dist/setup/main.js key        the administrator's key on standard output
 *   node dist/setup/main.js manifests  Kubernetes Secrets and the ConfigMap of NATS on standard output, from the same SETUP_DIR
 */
import { fileURLToPath } from 'node:url';
import { manifests } from './manifests.ts';
import { openKeys, prepareDatabase, writeFolders } from './prepare.ts';

const commands: Record<string, () => Promise<void>> = {
  prepare: async () => {
    const keys = await openKeys(required('SETUP_DIR'));
    await prepareDatabase(required('ADMIN_DATABASE_URL'), keys, root);
    await writeFolders(required('SETUP_DIR'), keys, required('DATABASE_HOST'));
  },
  migrate: async () => prepareDatabase(required('ADMIN_DATABASE_URL'), await openKeys(required('SETUP_DIR')), root),
  key: async () => console.log((await openKeys(required('SETUP_DIR'))).adminKey),
  manifests: async () => console.log(await manifests(await openKeys(required('SETUP_DIR')), required('DATABASE_HOST'))),
};

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

const command = commands[process.argv[2] ?? ''];
if (!command) {
  console.error(`Say one of: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
await command();
