import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { masterKeyIdsIn } from '../backup/master-key-id.ts';
import { writeBackup } from '../backup/write.ts';
import { planMigrations, rollBackNewest, type MigrationTarget } from '../database/service-migrations.ts';
import { owningServices } from '../database/services.ts';
import type { DataLayout } from '../data-folder/layout.ts';
import { StackFault } from '../stack-fault.ts';
import { onDatabase } from './on-database.ts';
import { backupFile, migrateDatabase } from './prepare-database.ts';
import { Report } from './report.ts';

const usage = `npm run db:migrate [-- --plan]   npm run db:rollback -- SERVICE
  both with --data DIR for another data folder, and with DATABASE_URL for an existing server`;

/** The database commands. They run on the embedded PostgreSQL while Signalbox does not, or on an existing server. Returns the exit code. */
export async function main(root: string, args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const data = resolve(values.data ?? (process.env.SIGNALBOX_DATA || `${root}/.signalbox`));
    await onDatabase(root, data, process.env, (target, layout) => runCommand(positionals, values.plan ?? false, target, layout));
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
  const file = backupFile(layout, 'before-rollback');
  const [masterKey = null] = await masterKeyIdsIn(layout.masterKeyFile);
  const { rows } = await writeBackup(target, file, masterKey);
  report.line(`Backup: ${rows} rows in ${file}`);
  const name = await rollBackNewest(target, service);
  report.line(name === null ? `${service} has no migration to undo.` : `${service}: ${name} was undone. The next start applies it again.`);
}
