import { join } from 'node:path';
import { masterKeyIdsIn } from '../backup/master-key-id.ts';
import { writeBackup } from '../backup/write.ts';
import { migrate, planMigrations, type MigrationTarget } from '../database/service-migrations.ts';
import type { DataLayout } from '../data-folder/layout.ts';
import type { Report } from './report.ts';

/** Raised when roles or schemas are to be made differently: then existing folders are set up once more. */
export const setupForm = 2;

/** Brings every schema to this version. What is there already is backed up before it changes. */
export async function migrateDatabase(target: MigrationTarget, layout: DataLayout, report: Report): Promise<void> {
  const plans = await planMigrations(target);
  const count = plans.reduce((sum, { pending }) => sum + pending.length, 0);
  if (count === 0) return;
  if (plans.some(({ applied }) => applied.length > 0)) {
    const file = backupFile(layout, 'before-migration');
    const [masterKey = null] = await masterKeyIdsIn(layout.masterKeyFile);
    await report.stage(
      'backup',
      () => writeBackup(target, file, masterKey),
      ({ rows }) => `Backup before the migrations: ${rows} rows in ${file}`,
    );
  }
  await report.stage(
    'migrations',
    () => migrate(target, plans),
    (done) => `Migrations applied: ${done}`,
  );
}

/** A new backup's path, which says why and when it was made. */
export function backupFile(layout: DataLayout, why: string): string {
  return join(layout.backups, `${why}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.backup.gz`);
}
