import { Option, type Command } from 'commander';
import type { Limit, LimitKind } from '../../client/limits.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options extends ListOptions {
  kind?: LimitKind;
  waiting?: boolean;
}

/** `signalbox limits`. */
export function addLimits(program: Command, io: Io): void {
  const command = program
    .command('limits')
    .description('limits and queues as they stand now: what is under way, what waits, who has the places');
  addListOptions(command)
    .addOption(
      new Option('--kind <kind>', 'only limits of runs, or of steps, or only such queues').choices([
        'runs',
        'limit',
        'agent',
        'model',
        'tool',
        'artifact',
        'state',
      ]),
    )
    .option('--waiting', 'only those that something waits for');
  action(command, io, async (context, { kind, waiting, q, ...options }: Options) => {
    const client = await context.client();
    const now = context.io.now();
    const query = { kind, ...(waiting === true && { waiting }), q, limit: options.pageSize };
    const limits = await listed(context, options, client.limits.list(query, { signal: context.signal }));
    if (limits.length === 0)
      return context.out.lines(waiting === true ? 'Nothing waits for a place.' : 'Nothing is under way or waits, and no limit is in use.');
    context.out.lines(
      ...table(
        [
          { title: 'KIND', cell: (each) => each.kind },
          { title: 'NAME', cell: nameOf, isFlexible: true },
          {
            title: 'RUNNING',
            cell: (each) => `${each.running}${each.concurrency === null ? '' : ` of ${each.concurrency}`}`,
            align: 'right',
          },
          { title: 'WAITING', cell: (each) => String(each.waiting), align: 'right' },
          { title: 'LONGEST', cell: (each) => (each.oldestAt === null ? '' : ago(each.oldestAt, now)), align: 'right' },
          { title: 'RATE', cell: rateOf },
          { title: 'HELD BY', cell: heldBy, isFlexible: true },
        ],
        limits,
        context.out.columns,
      ),
    );
  });
}

function nameOf({ name, key, kind }: Limit): string {
  return (kind === 'limit' || kind === 'runs') && key ? `${name} ${key}` : name;
}

function rateOf({ rate }: Limit): string {
  return rate === null ? '' : `${rate.left} left of ${rate.max} in ${rate.perMs / 1_000} s`;
}

function heldBy({ holders, running }: Limit): string {
  const [first] = holders;
  if (first === undefined) return '';
  return `${first.run}${first.step === '' ? '' : ` ${first.step}`}${running > 1 ? ` and ${running - 1} more` : ''}`;
}
