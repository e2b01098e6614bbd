import { Option } from 'commander';
import type { Command } from 'commander';
import type { RunQuery } from '../../client/runs.ts';
import { action } from '../context.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { ago, between } from '../text/figures.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { runLines } from '../views/run-lines.ts';
import { whereOf } from '../where.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';
import { addRunFiles } from './run-files.ts';
import { addRunsInBulk } from './runs-in-bulk.ts';

interface Options extends ListOptions {
  workflow?: string;
  status?: RunQuery['status'];
  where?: string[];
  sort?: RunQuery['sort'];
}

/** `signalbox runs [RUN]`, and what is done to many of them. */
export function addRuns(program: Command, io: Io): void {
  const command = program
    .command('runs')
    .argument('[run]', 'show this one with its steps')
    .description('list the runs, the newest first, or show one');
  addRunsInBulk(command, io);
  addRunFiles(command, io);
  addListOptions(command)
    .option('--workflow <name>', 'only of this workflow')
    .option('--status <status>', 'only in this state')
    .option(
      '--where <condition>',
      'status=failed, agent=NAME, label.NAME=VALUE, error=CODE, started>7d, cost>0.5, took>30s …; may be given again',
      collect,
    )
    .addOption(new Option('--sort <by>', 'the order').choices(['newest', 'oldest', 'ended', 'cost', 'duration']));
  action(command, io, async (context, options: Options, id?: string) => {
    const { out, signal } = context;
    const client = await context.client();
    const now = context.io.now();
    if (id !== undefined) {
      const run = await client.runs.get(id, { signal });
      out.json(run);
      out.lines(...runLines(run, { now, columns: out.columns, showAll: true }));
      return;
    }
    const where = whereOf(options.where ?? [], now);
    const named = { workflow: options.workflow, status: options.status, q: options.q, sort: options.sort };
    const query = { ...where, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) };
    const runs = await listed(context, options, client.runs.list({ ...query, limit: options.pageSize }, { signal }));
    if (runs.length === 0) {
      return out.lines(Object.keys(query).length > 0 ? 'No run is like that.' : 'No runs yet. Start one: signalbox run WORKFLOW --follow');
    }
    out.lines(
      ...table(
        [
          { title: 'RUN', cell: (run) => run.id },
          { title: 'WORKFLOW', cell: (run) => run.workflow },
          { title: 'STATUS', cell: (run) => state(run.status) },
          { title: 'STEPS', cell: (run) => `${run.progress.done}/${run.progress.total}`, align: 'right' },
          { title: 'STARTED', cell: (run) => ago(run.startedAt ?? run.createdAt, now), align: 'right' },
          { title: 'TOOK', cell: (run) => between(run.startedAt, run.endedAt, now), align: 'right' },
          { title: 'REASON', cell: (run) => run.error?.detail ?? run.reason ?? '', isFlexible: true },
        ],
        runs,
        out.columns,
      ),
    );
  });
}
