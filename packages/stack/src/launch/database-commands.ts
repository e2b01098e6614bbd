import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { readBackup, writeBackup } from '../database/backup.ts';
import { urlWith } from '../database/connect.ts';
import { planMigrations, rollBackNewest, type MigrationTarget } from '../database/service-migrations.ts';
import { owningServices } from '../database/services.ts';
import { layoutOf, type DataLayout } from '../data-folder/layout.ts';
import { lockDataFolder } from '../data-folder/lock.ts';
import { openDataFolder } from '../data-folder/open.ts';
import { databasePasswords } from '../data-folder/secrets.ts';
import { PostgresCluster } from '../postgres/cluster.ts';
import { StackFault } from '../stack-fault.ts';
import { databaseOf, migrateDatabase, setUpDatabase } from './prepare-database.ts';
import { Report } from './report.ts';

const usage = `npm run db:migrate [-- --plan]   npm run db:rollback -- SERVICE   npm run db:backup [-- FILE]   npm run db:restore -- FILE
  all with --data DIR for another data folder, and with DATABASE_URL for an existing server`;

/** The database commands. They run on the embedded PostgreSQL while Signalbox does not, or on an existing server. Returns the exit code. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const data = resolve(values.data ?? (process.env.SIGNALBOX_DATA || `${root}/.signalbox`));
    await onDatabase(root, data, (target, layout) => runCommand(positionals, values.plan ?? false, target, layout));
    return 0;
  } catch (error) {
    if (!(error instanceof StackFault)) throw error;
    process.stderr.write(`${error.detail}\n${error.next}\n`);
    return 1;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { plan: { type: 'boolean' }, data: { type: 'string' } } });
  } catch (cause) {
    throw new StackFault((cause as Error).message.split('. ')[0]!, usage, { cause });
  }
}

async function runCommand([command, argument]: string[], isPlan: boolean, target: MigrationTarget, layout: DataLayout): Promise<void> {
  const report = new Report();
  switch (command) {
    case 'migrate':
      if (isPlan) return showPlan(target, report);
      await migrateDatabase(target, layout, report);
      report.line('Every schema is at this version.');
      return;
    case 'rollback': {
      const service = owningServices.find((name) => name === argument);
      if (!service)
        throw new StackFault('Name the service whose newest migration is to be undone.', `One of ${owningServices.join(', ')}.`);
      return rollBack(target, service, layout, report);
    }
    case 'backup': {
      const file = resolve(argument ?? join(layout.backups, `${stamp()}.backup.gz`));
      const { rows } = await writeBackup(target, file);
      report.line(`${rows} rows are in ${file}. The master key (${layout.masterKeyFile}) is not: keep a copy of it elsewhere.`);
      return;
    }
    case 'restore': {
      if (argument === undefined) throw new StackFault('Name the backup to restore.', usage);
      const { rows } = await readBackup(target, resolve(argument));
      report.line(`${rows} rows were restored.`);
      return;
    }
    default:
      throw new StackFault(`There is no command ${command ?? ''}.`, usage);
  }
}

async function showPlan(target: MigrationTarget, report: Report): Promise<void> {
  for (const { service, pending, applied } of await planMigrations(target)) {
    report.line(`${service}: ${applied.length} applied${pending.length === 0 ? ', nothing to do' : ''}`);
    for (const { name, up } of pending) {
      report.line(`  would apply ${name}:`);
      for (const statement of up) report.line(`    ${statement.trim().replaceAll('\n', '\n    ')};`);
    }
  }
}

async function rollBack(target: MigrationTarget, service: ServiceName, layout: DataLayout, report: Report): Promise<void> {
  const file = join(layout.backups, `before-rollback-${stamp()}.backup.gz`);
  const { rows } = await writeBackup(target, file);
  report.line(`Backup: ${rows} rows in ${file}`);
  const name = await rollBackNewest(target, service);
  report.line(name === null ? `${service} has no migration to undo.` : `${service}: ${name} was undone. The next start applies it again.`);
}

async function onDatabase(root: string, data: string, work: (target: MigrationTarget, layout: DataLayout) => Promise<void>): Promise<void> {
  const unlock = await lockDataFolder(layoutOf(data));
  try {
    const layout = await openDataFolder(data, '');
    const passwords = await databasePasswords(layout);
    const passwordOf = (role: string): string => passwords.roles[role]!;
    const onAdminUrl = async (adminUrl: string): Promise<void> => {
      await setUpDatabase(adminUrl, passwordOf);
      await work({ root, url: urlWith(adminUrl, { database: databaseOf(adminUrl) }), passwordOf }, layout);
    };
    if (process.env.DATABASE_URL) return await onAdminUrl(process.env.DATABASE_URL);
    const cluster = await PostgresCluster.start({ folder: layout.postgres, binariesFolder: layout.bin, password: passwords.superuser });
    try {
      await onAdminUrl(cluster.url());
    } finally {
      await cluster.stop();
    }
  } finally {
    await unlock();
  }
}

function stamp(): string {
  return new Date().toISOString().replaceAll(/[:.]/g, '-');
}
