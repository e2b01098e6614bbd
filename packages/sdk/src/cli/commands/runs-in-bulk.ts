import type { Command } from 'commander';
import type { RunAction, RunOperationDetail, RunOrder } from '../../client/run-operations.ts';
import { action, type Context } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { ago, count } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { whereOf } from '../where.ts';
import { confirm } from './confirm.ts';
import { listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options {
  where?: string[] | undefined;
  from?: string[];
  note?: string;
  dryRun?: boolean;
  yes?: boolean;
  wait: boolean;
}

const commands: { action: RunAction; description: string; done: string }[] = [
  { action: 'cancel', description: 'end many runs', done: 'cancelled' },
  { action: 'retry', description: 'go on from where many runs failed, in new ones', done: 'retried' },
  { action: 'fork', description: 'do steps of many ended runs again, in new ones', done: 'forked' },
  { action: 'dismiss', description: 'put failures aside that need no cure', done: 'dismissed' },
  { action: 'upgrade', description: 'have live runs go on by the version that their workflow has now', done: 'upgraded' },
  { action: 'delete', description: 'delete ended runs, with all that is recorded of them', done: 'deleted' },
];

/** `signalbox runs cancel|retry|fork|dismiss|upgrade|delete [RUN…] --where …`, `signalbox runs operations`. */
export function addRunsInBulk(group: Command, io: Io): void {
  for (const each of commands) {
    const command = group
      .command(each.action)
      .argument('[run...]', 'these runs; or all that --where means')
      .description(each.description)
      .option('--where <condition>', 'status=…, workflow=…, agent=…, label.NAME=…, error=…, started>7d …; may be given again', collect)
      .option('--dry-run', 'only say which runs are meant')
      .option('-y, --yes', 'do not ask')
      .option('--no-wait', 'do not wait for its end');
    if (each.action === 'fork') command.requiredOption('--from <step>', 'this step, and all that follows it; may be given again', collect);
    if (each.action === 'dismiss') command.option('--note <text>', 'why');
    action(command, io, async (context, options: Options, ids: string[]) => {
      // What `runs` itself knows, it takes, wherever it stands.
      const order = orderOf(each.action, ids, { ...options, where: group.opts<Options>().where }, context.io.now());
      const client = await context.client();
      const { signal } = context;
      const preview = await client.runOperations.preview(order, { signal });
      if (options.dryRun) context.out.json(preview);
      const runs = preview.isMore ? `more than ${preview.count} runs` : count(preview.count, 'run');
      context.out.lines(line`${runs} would be ${each.done}`);
      for (const run of preview.sample) {
        const why = preview.unfit?.find((each) => each.run === run.id)?.detail;
        context.out.lines(line`  ${run.id} ${run.workflow} ${state(run.status)}${why === undefined ? '' : `, does not fit: ${why}`}`);
      }
      if (preview.count > preview.sample.length) context.out.lines(dim(`  and ${preview.count - preview.sample.length} more`));
      if (options.dryRun || preview.count === 0) return;
      await confirm(context, `${capital(each.action)} ${runs}?`, options.yes);
      const operation = await client.runOperations.start({ ...order, before: preview.before }, { signal });
      if (!options.wait) {
        context.out.json(operation);
        return context.out.lines(line`${bold(operation.id)} ${operation.status}`, dim(`Look: signalbox runs operations ${operation.id}`));
      }
      let last: RunOperationDetail | undefined;
      for await (last of client.runOperations.follow(operation.id, { signal })) context.out.note(progressText(last));
      if (last) tell(context, last, each.done);
    });
  }
  addOperations(group, io);
}

function addOperations(group: Command, io: Io): void {
  const operations = group
    .command('operations')
    .argument('[id]', 'show this one, with its failures')
    .description('what was done to many runs at once')
    .option('--cancel', 'end the one that is named: what it has done stays done');
  action(operations, io, async (context, { cancel }: { cancel?: boolean }, id?: string) => {
    const client = await context.client();
    const { signal } = context;
    if (id !== undefined) {
      if (cancel) await client.runOperations.cancel(id, { signal });
      const operation = await client.runOperations.get(id, { signal });
      context.out.json(operation);
      context.out.lines(
        line`${bold(operation.id)} ${operation.action} ${operation.status}: ${progressText(operation)}`,
        ...(operation.reason ? [line`  ${operation.reason}`] : []),
        ...failureLines(operation),
      );
      return;
    }
    const now = context.io.now();
    const options = group.opts<ListOptions>();
    const all = await listed(context, options, client.runOperations.list({ limit: options.pageSize }, { signal }));
    if (all.length === 0) return context.out.lines('Nothing was done to many runs yet.');
    context.out.lines(
      ...table(
        [
          { title: 'OPERATION', cell: (each) => each.id },
          { title: 'ACTION', cell: (each) => each.action },
          { title: 'STATUS', cell: (each) => state(each.status) },
          { title: 'DONE', cell: (each) => `${each.done}/${each.total}`, align: 'right' },
          { title: 'FAILED', cell: (each) => String(each.failed), align: 'right' },
          { title: 'BY', cell: (each) => each.startedBy },
          { title: 'STARTED', cell: (each) => ago(each.createdAt, now), align: 'right' },
        ],
        all,
        context.out.columns,
      ),
    );
  });
}

function orderOf(verb: RunAction, ids: readonly string[], { where, from, note }: Options, now: number): RunOrder {
  if (ids.length > 0 === (where !== undefined)) {
    throw new CliFailure(exitCode.usage, 'which runs?', `Name them, or say --where: signalbox runs ${verb} --where workflow=NAME`);
  }
  return {
    action: verb,
    ...(ids.length > 0 ? { ids } : { filter: whereOf(where ?? [], now) }),
    ...(from && { from }),
    ...(note !== undefined && { note }),
  };
}

function tell(context: Context, operation: RunOperationDetail, done: string): void {
  context.out.json(operation);
  context.out.lines(line`${bold(operation.id)} ${operation.status}: ${count(operation.done, 'run')} ${done}`, ...failureLines(operation));
  if (operation.status === 'failed') {
    throw new CliFailure(exitCode.failed, operation.reason ?? 'it could not go on', `Look: signalbox runs operations ${operation.id}`);
  }
  if (operation.failed > 0) {
    throw new CliFailure(
      exitCode.failed,
      `${count(operation.failed, 'run')} could not be ${done}`,
      `Look: signalbox runs operations ${operation.id}`,
    );
  }
}

function failureLines({ failures, failed }: RunOperationDetail): ReturnType<typeof line>[] {
  const lines = failures.map(({ run, code, detail }) => line`  ${run} ${code}: ${detail}`);
  return failed > failures.length ? [...lines, line`  and ${failed - failures.length} more`] : lines;
}

function progressText({ done, failed, total }: RunOperationDetail): string {
  return `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
