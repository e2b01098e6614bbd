import type { Command } from 'commander';
import type { Workflow } from '../../client/workflows.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago, duration } from '../text/figures.ts';
import { bold, dim, line, yellow, type Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox workflow list|get|scale-back|restore`. They are made by `signalbox apply`, and started by `signalbox run`. */
export function addWorkflow(program: Command, io: Io): void {
  const group = program.command('workflow').description('workflows, and which of them are scaled back; apply makes them');
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
