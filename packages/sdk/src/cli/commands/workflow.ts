import type { Command } from 'commander';
import type { Workflow, WorkflowVersion } from '../../client/workflows.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago, duration } from '../text/figures.ts';
import { bold, dim, green, line, yellow, type Styled } from '../text/styled.ts';
import { table, type Column } from '../text/table.ts';
import { changeLine } from '../views/change-lines.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed, positive } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** The hash in as many characters as a person compares. */
const hashShown = 'sha256:'.length + 12;

/** `signalbox workflow list|get|versions|revert|scale-back|restore`. They are made by `signalbox apply`, and started by `signalbox run`. */
export function addWorkflow(program: Command, io: Io): void {
  const group = program
    .command('workflow')
    .description('workflows, what they were before, and which of them are scaled back; apply makes them');
  const list = addListOptions(group.command('list').description('list workflows'));
  action(list, io, async (context, options: ListOptions) => {
    const client = await context.client();
    const { q, pageSize } = options;
    const workflows = await listed(context, options, client.workflows.list({ q, limit: pageSize }, { signal: context.signal }));
    if (workflows.length === 0) return context.out.lines('No workflows. Make one: signalbox apply -f FILE, see docs/workflows.md');
    context.out.lines(
      ...table(
        [
          { title: 'WORKFLOW', cell: ({ name }) => name },
          { title: 'STEPS', cell: ({ steps }) => steps, align: 'right' },
          { title: 'VERSION', cell: ({ version }) => version, align: 'right' },
          { title: 'RUNS GET', cell: ({ name, scaleBack }) => (scaleBack?.active ? yellow(scaleBack.to) : name) },
          { title: 'BECAUSE', cell: ({ scaleBack }) => scaleBack?.active?.because ?? '', isFlexible: true },
        ],
        workflows,
        context.out.columns,
      ),
    );
  });

  const get = group.command('get').argument('<workflow>', 'its name').description('show one, and what its new runs get');
  action(get, io, async (context, _: object, name: string) => {
    const client = await context.client();
    told(context, await client.workflows.get(name, { signal: context.signal }));
  });

  const versions = addListOptions(
    group.command('versions').argument('<workflow>', 'its name').description('what it was, the newest first'),
  );
  action(versions, io, async (context, options: ListOptions, name: string) => {
    const client = await context.client();
    const { q, pageSize } = options;
    const found = await listed(context, options, client.workflows.versions(name, { q, limit: pageSize }, { signal: context.signal }));
    context.out.lines(...table(versionColumns(io.now()), found, context.out.columns));
  });

  const revert = group
    .command('revert')
    .argument('<workflow>', 'its name')
    .argument('<version>', 'what it is made again: a number that signalbox workflow versions shows', positive)
    .description('make it what it was at an earlier version, as a new version')
    .option('--dry-run', 'only show what would change')
    .option('--yes', 'do not ask');
  action(revert, io, async (context, { dryRun, yes }: { dryRun?: boolean; yes?: boolean }, name: string, version: number) => {
    const { out, signal } = context;
    const client = await context.client();
    const preview = await client.workflows.revert(name, version, { dryRun: true }, { signal });
    out.lines(...preview.changes.map((change) => changeLine(change)));
    if (dryRun || preview.action === 'unchanged') {
      out.json(preview);
      return out.lines(
        preview.action === 'unchanged'
          ? `${name} is as it was at version ${version}: nothing to change.`
          : dim('Nothing was changed (--dry-run).'),
      );
    }
    await confirm(context, `Make ${name} what it was at version ${version}?`, yes);
    const reverted = await client.workflows.revert(name, version, {}, { signal });
    out.json(reverted);
    out.lines(
      line`${green('✔')} ${bold(name)} is what it was at version ${version}, as version ${reverted.resource.version}. ${dim('Runs under way go on as they began.')}`,
    );
  });

  const scaleBack = group
    .command('scale-back')
    .argument('<workflow>', 'its name')
    .description('have new runs get the smaller workflow that it names, until it is restored')
    .option('--reason <text>', 'why, for those who find it so');
  action(scaleBack, io, async (context, { reason }: { reason?: string }, name: string) => {
    const client = await context.client();
    told(context, await client.workflows.scaleBack(name, reason, { signal: context.signal }));
  });

  const restore = group.command('restore').argument('<workflow>', 'its name').description('have new runs get the workflow itself again');
  action(restore, io, async (context, _: object, name: string) => {
    const client = await context.client();
    told(context, await client.workflows.restore(name, { signal: context.signal }));
  });
}

function versionColumns(now: number): Column<WorkflowVersion>[] {
  return [
    { title: 'VERSION', cell: ({ version, current }) => (current ? bold(`${version}`) : version), align: 'right' },
    { title: 'STEPS', cell: ({ steps }) => steps, align: 'right' },
    { title: 'HASH', cell: ({ hash }) => hash.slice(0, hashShown) },
    { title: 'APPLIED', cell: ({ createdAt }) => ago(createdAt, now) },
    { title: 'BY', cell: ({ createdBy }) => createdBy || dim('not known') },
    {
      title: '',
      cell: ({ current, revertedTo }) =>
        dim([...(current ? ['current'] : []), ...(revertedTo === undefined ? [] : [`reverted to ${revertedTo}`])].join(', ')),
      isFlexible: true,
    },
  ];
}

function told({ out, io }: Context, workflow: Workflow): void {
  out.json(workflow);
  out.lines(...lines(workflow, io.now()));
}

function lines({ name, steps, version, scaleBack }: Workflow, now: number): Styled[] {
  const head = line`${bold(name)}  ${dim(`${steps} steps, version ${version}`)}`;
  if (scaleBack === undefined) return [head, dim('It names no smaller workflow (spec.scaleBack).')];
  const { to, afterMs, restoreMs, waitOverMs, active } = scaleBack;
  const short = `its agents are not there${waitOverMs === null ? '' : `, or a task of theirs has waited for ${duration(waitOverMs)}`}`;
  const rule = dim(
    `After ${duration(afterMs)} in which ${short}, new runs get ${to}; after ${duration(restoreMs)} without that, ${name} again.`,
  );
  if (active === null) return [head, line`New runs get ${name}.`, rule];
  const { because, since, by, how } = active;
  return [
    head,
    line`${yellow('scaled back')} ${ago(since, now)} by ${by}: new runs get ${bold(to)}. ${because}`,
    how === 'hand' ? dim(`It stays so until it is restored: signalbox workflow restore ${name}`) : rule,
  ];
}
