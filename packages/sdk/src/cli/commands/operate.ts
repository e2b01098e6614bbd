import { resolve } from 'node:path';
import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { operate } from '../operations.ts';

/** `signalbox db init`: an existing PostgreSQL. */
export function addDb(program: Command, io: Io): void {
  const group = program.command('db').description('an existing PostgreSQL for Signalbox');
  const init = group
    .command('init')
    .description('make roles, database, schemas and grants on the server of DATABASE_URL; passwords go into the data folder')
    .option('--print', 'print the SQL instead, for an administrator to run with psql');
  action(init, io, (context, { print }: { print?: boolean }) =>
    operate(context, (operations, place) => operations.initDatabase(place, print ? (sql) => void context.io.stdout.write(sql) : undefined)),
  );
}

/** `signalbox nats init`: an existing NATS. */
export function addNats(program: Command, io: Io): void {
  const group = program.command('nats').description('an existing NATS for Signalbox');
  const init = group
    .command('init <folder>')
    .description('write operator, account, the configuration that trusts them and one .creds a service, or bring their rights up to date');
  action(init, io, (context, _: unknown, folder: string) =>
    operate(context, (operations, place) => operations.initNats(place, resolve(context.io.cwd, folder))),
  );
}

/** `signalbox backup [FILE]`. */
export function addBackup(program: Command, io: Io): void {
  const command = program
    .command('backup [file]')
    .description('write all data as of one moment into a file, secrets sealed; else into backups/ of the data folder');
  action(command, io, (context, _: unknown, file?: string) =>
    operate(context, (operations, place) => operations.backup(place, file === undefined ? undefined : resolve(context.io.cwd, file))),
  );
}

/** `signalbox restore FILE`. */
export function addRestore(program: Command, io: Io): void {
  const command = program
    .command('restore <file>')
    .description('put a backup into a data folder or database that has no data yet, while Signalbox does not run there')
    .option('--master-key <file>', 'the master key of the backup, put into the new data folder');
  action(command, io, (context, { masterKey }: { masterKey?: string }, file: string) =>
    operate(context, (operations, place) =>
      operations.restore(place, resolve(context.io.cwd, file), masterKey === undefined ? undefined : resolve(context.io.cwd, masterKey)),
    ),
  );
}
