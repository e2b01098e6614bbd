import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { carryOut, plan } from '../manifests/apply.ts';
import type { Planned } from '../manifests/apply.ts';
import { loadManifests, setValues } from '../manifests/load.ts';
import { count } from '../text/figures.ts';
import { dim, green, line } from '../text/styled.ts';
import { changeLines } from '../views/change-lines.ts';
import { confirm } from './confirm.ts';

interface Options {
  file: string[];
  set?: string[];
  yes?: boolean;
  dryRun?: boolean;
  full?: boolean;
}

/** `signalbox apply -f FILE…`. */
export function addApply(program: Command, io: Io): void {
  const command = program
    .command('apply')
    .description('create or change what manifests describe; shows the changes before it makes them')
    .requiredOption('-f, --file <path...>', 'a manifest, a folder of them, or - for standard input')
    .option('--set <name=value>', 'a value for a parameter of a bundle; may be given again', collect)
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only show what would change')
    .option('--full', 'show every change');
  action(command, io, async (context, options: Options) => {
    const { out, signal } = context;
    const values = setValues(options.set);
    const { cwd, env, readStdin } = context.io;
    const loaded = await loadManifests(options.file, { cwd, env, values, readStdin });
    if (loaded.length === 0)
      throw new CliFailure(exitCode.usage, 'there is no manifest in what was given', 'A manifest begins with apiVersion.');
    const client = await context.client();
    const planned = await plan(client, loaded, signal);
    for (const one of planned) out.lines(...changeLines(one, options.full ?? false));
    const changing = planned.filter((one) => one.action !== 'unchanged');
    if (changing.length === 0 || options.dryRun) {
      out.json(planned.map(report));
      out.lines(
        '',
        changing.length === 0 ? 'Nothing to change.' : dim(`${count(changing.length, 'change')} to make; nothing was changed (--dry-run).`),
      );
      return;
    }
    await confirm(context, `Make ${changing.length === 1 ? 'this change' : `these ${changing.length} changes`}?`, options.yes);
    await make(context, planned);
  });
}

async function make(context: Context, planned: readonly Planned[]): Promise<void> {
  const { out, signal } = context;
  const client = await context.client();
  const done: Planned[] = [];
  out.lines('');
  for (const one of planned) {
    // What was unchanged a moment ago is left alone.
    const made = one.action === 'unchanged' ? one : await carryOut(client, one, signal);
    done.push(made);
    if (made.action !== 'unchanged') out.lines(line`${green('✔')} ${made.title} ${made.action}`);
  }
  out.json(done.map(report));
}

function report({ title, action: what, changes, where }: Planned): object {
  return { object: title, action: what, changes, file: where };
}
