import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { version } from '../version.ts';

/** `signalbox version`. */
export function addVersion(program: Command, io: Io): void {
  const command = program.command('version').description('show the version of this program');
  action(command, io, (context) => {
    context.out.json({ version, node: process.versions.node });
    context.out.lines(`signalbox ${version}`);
    return Promise.resolve();
  });
}
