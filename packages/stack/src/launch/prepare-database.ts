import { join } from 'node:path';
import { writeBackup } from '../database/backup.ts';
import { urlWith, withClient } from '../database/connect.ts';
import { ensureDatabase, ensureRoles, ensureSchemas } from '../database/roles.ts';
import { migrate, planMigrations, type MigrationTarget } from '../database/service-migrations.ts';
import { databaseName } from '../database/services.ts';
import type { DataLayout } from '../data-folder/layout.ts';
import type { Report } from './report.ts';

/** Raised when roles or schemas are to be made differently: then existing folders are set up once more. */
export const setupForm = 1;

/** Makes roles, database and schemas. Safe to repeat. Returns the database's URL, still with the administrator's user. */
export async function setUpDatabase(adminUrl: string, passwordOf: (role: string) => string): Promise<string> {
  const database = databaseOf(adminUrl);
  await withClient(urlWith(adminUrl, { database: 'postgres' }), async (client) => {
    await ensureRoles(client, passwordOf);
    await ensureDatabase(client, database);
  });
  const url = urlWith(adminUrl, { database });
  await withClient(url, (client) => ensureSchemas(client, database));
  return url;
}

/** The database of an administrator's URL; the maintenance database means ours. */
export function databaseOf(adminUrl: string): string {
  const given = decodeURIComponent(new URL(adminUrl).pathname.slice(1));
  return given === '' || given === 'postgres' ? databaseName : given;
}

/** Brings every schema to this version. What is there already is backed up before it changes. */
export async function migrateDatabase(target: MigrationTarget, layout: DataLayout, report: Report): Promise<void> {
  const plans = await planMigrations(target);
  const count = plans.reduce((sum, { pending }) => sum + pending.length, 0);
  if (count === 0) return;
  if (plans.some(({ applied }) => applied.length > 0)) {
    const file = join(layout.backups, `before-migration-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.backup.gz`);
    await report.stage(
      'backup',
      () => writeBackup(target, file),
      ({ rows }) => `Backup before the migrations: ${rows} rows in ${file}`,
    );
  }
  await report.stage(
    'migrations',
    () => migrate(target, plans),
    (done) => `Migrations applied: ${done}`,
  );
}
