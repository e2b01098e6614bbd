import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { dim } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed, seconds } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options extends ListOptions {
  workflow?: string;
  since?: number;
}

/** `signalbox problems`. */
export function addProblems(program: Command, io: Io): void {
  const command = program.command('problems').description('failed runs that nobody has looked after, by reason');
  addListOptions(command)
    .option('--workflow <name>', 'only of this workflow')
    .option('--since <span>', 'only runs of the last 12h, 7d …', seconds);
  action(command, io, async (context, { workflow, since, q, ...options }: Options) => {
    const client = await context.client();
    const now = context.io.now();
    const startedAfter = since === undefined ? undefined : new Date(now - since * 1_000).toISOString();
    const query = { workflow, startedAfter, q, limit: options.pageSize };
    const problems = await listed(context, options, client.runs.problems(query, { signal: context.signal }));
    if (problems.length === 0) return context.out.lines('No failures that nobody has looked after.');
    context.out.lines(
      ...table(
        [
          { title: 'RUNS', cell: (each) => String(each.count), align: 'right' },
          { title: 'ERROR', cell: (each) => each.errorCode },
          { title: 'WORKFLOW', cell: (each) => each.workflow },
          { title: 'STEP', cell: (each) => each.failedStep ?? '' },
          { title: 'FIRST', cell: (each) => ago(each.firstAt, now), align: 'right' },
          { title: 'LAST', cell: (each) => ago(each.lastAt, now), align: 'right' },
          { title: 'THE LAST SAID', cell: (each) => each.detail ?? '', isFlexible: true },
        ],
        problems,
        context.out.columns,
      ),
      dim('Once the cause is mended: signalbox runs retry --where "problem=open error=CODE workflow=NAME"; or: signalbox runs dismiss'),
    );
  });
}
