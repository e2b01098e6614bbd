import type { Command } from 'commander';
import type { Rollout } from '../../client/rollouts.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { carryOut, plan } from '../manifests/apply.ts';
import type { Planned } from '../manifests/apply.ts';
import { loadManifests, setValues } from '../manifests/load.ts';
import { inSet, orphansOf, setLabel, type Orphan } from '../manifests/prune.ts';
import { count } from '../text/figures.ts';
import { bold, dim, green, line, red } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { changeLines } from '../views/change-lines.ts';
import { confirm } from './confirm.ts';

interface Options {
  file: string[];
  set?: string[];
  yes?: boolean;
  dryRun?: boolean;
  full?: boolean;
  as?: string;
  prune?: boolean;
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
    .option('--full', 'show every change')
    .option('--as <set>', `the name of the set that these manifests are: what is applied gets it as the label ${setLabel}`)
    .option('--prune', 'with --as: remove what the set had and these manifests do not describe any more')
    .addHelpText('after', '\nExample, from a repository: signalbox apply -f manifests --as team-a --prune --yes');
  action(command, io, async (context, options: Options) => {
    const { out, signal } = context;
    const values = setValues(options.set);
    const { cwd, env, readStdin } = context.io;
    const { as: set, prune: isPruning } = options;
    checkSet(set, isPruning);
    const given = await loadManifests(options.file, { cwd, env, values, readStdin });
    const loaded = set === undefined ? given : inSet(given, set);
    if (loaded.length === 0)
      throw new CliFailure(exitCode.usage, 'there is no manifest in what was given', 'A manifest begins with apiVersion.');
    const client = await context.client();
    const planned = await plan(client, loaded, signal);
    const orphans = isPruning ? await orphansOf(client, set!, loaded, signal) : [];
    for (const one of planned) out.lines(...changeLines(one, options.full ?? false));
    for (const { rollout } of planned) out.lines(...rolloutHints(rollout));
    for (const { title } of orphans) out.lines(line`${red('-')} ${bold(title)}  is removed ${dim('no manifest describes it')}`);
    const changes = planned.filter((one) => one.action !== 'unchanged').length + orphans.length;
    if (changes === 0 || options.dryRun) {
      out.json([...planned.map(report), ...orphans.map(({ title }) => ({ object: title, action: 'deleted' }))]);
      out.lines('', changes === 0 ? 'Nothing to change.' : dim(`${count(changes, 'change')} to make; nothing was changed (--dry-run).`));
      return;
    }
    await confirm(context, `Make ${changes === 1 ? 'this change' : `these ${changes} changes`}?`, options.yes);
    await make(context, planned, orphans);
  });
}

function checkSet(set: string | undefined, isPruning: boolean | undefined): void {
  if (isPruning && set === undefined) {
    throw new CliFailure(
      exitCode.usage,
      '--prune removes what a set had, and no set is named',
      'Name it: --as NAME. What has no such label is never removed.',
    );
  }
  if (set !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(set)) {
    throw new CliFailure(exitCode.usage, `${set} is no name of a set`, 'Use lower-case letters, digits and hyphens, at most 63.');
  }
}

async function make(context: Context, planned: readonly Planned[], orphans: readonly Orphan[]): Promise<void> {
  const { out, signal } = context;
  const client = await context.client();
  const done: Planned[] = [];
  out.lines('');
  for (const one of planned) {
    // What was unchanged a moment ago is left alone.
    const made = one.action === 'unchanged' ? one : await carryOut(client, one, signal);
    done.push(made);
    if (made.action === 'unchanged') continue;
    out.lines(line`${green('✔')} ${made.title} ${made.action}`, ...rolloutHints(made.rollout));
  }
  for (const { kind, name, title } of orphans) {
    await kind.of(client).remove(name, { signal });
    out.lines(line`${green('✔')} ${title} removed`);
  }
  out.json([...done.map(report), ...orphans.map(({ title }) => ({ object: title, action: 'deleted' }))]);
}

/** That a new version is not the current one, and where to look. */
function rolloutHints(rollout: Rollout | undefined): Styled[] {
  if (rollout === undefined) return [];
  const { id, agent, version, status, reason } = rollout;
  const how =
    status === 'rolled-back'
      ? `was rolled back (${reason}); again: signalbox rollouts start ${agent}@${version}`
      : `is ${status}: signalbox rollouts show ${id}`;
  return [line`  ${dim(`version ${version} ${how}`)}`];
}

function report({ title, action: what, changes, where }: Planned): object {
  return { object: title, action: what, changes, file: where };
}
