import type { Command } from 'commander';
import { exactVersion } from '../agent-version.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox reviews`. */
export function addReviews(program: Command, io: Io): void {
  const command = program.command('reviews').description('agents whose current version nobody has signed off, and what changed');
  addListOptions(command);
  action(command, io, async (context, { q, ...options }: ListOptions) => {
    const client = await context.client();
    const now = context.io.now();
    const reviews = await listed(context, options, client.reviews.list({ q, limit: options.pageSize }, { signal: context.signal }));
    if (reviews.length === 0) return context.out.lines('Nothing to sign off.');
    context.out.lines(
      ...table(
        [
          { title: 'AGENT', cell: (review) => review.agent },
          { title: 'VERSION', cell: (review) => review.version, align: 'right' },
          { title: 'SIGNED', cell: ({ signedVersion }) => signedVersion ?? dim('never'), align: 'right' },
          { title: 'CONTRACT', cell: ({ contractChanged }) => (contractChanged ? 'changed' : dim('same')) },
          { title: 'CHANGED', cell: ({ changedAt }) => ago(changedAt, now), align: 'right' },
          {
            title: 'WHERE',
            cell: ({ signedVersion, changes }) => (signedVersion === null ? dim('all of it') : changes.join(', ')),
            isFlexible: true,
          },
        ],
        reviews,
        context.out.columns,
      ),
      dim('next: signalbox sign-off AGENT@VERSION'),
    );
  });
}

/** `signalbox sign-off AGENT@VERSION`. */
export function addSignOff(program: Command, io: Io): void {
  const command = program
    .command('sign-off')
    .argument('<agent@version>', 'the agent and the version that you looked at')
    .description('say that you have looked at the current version of an agent')
    .option('--note <text>', 'for the audit');
  action(command, io, async (context, { note }: { note?: string }, given: string) => {
    const { agent, version } = exactVersion(given);
    const client = await context.client();
    const reply = await client.reviews.signOff(agent, version, note, { signal: context.signal });
    context.out.json(reply);
    context.out.lines(line`${bold(agent)} version ${String(reply.version)} is signed off`);
  });
}
