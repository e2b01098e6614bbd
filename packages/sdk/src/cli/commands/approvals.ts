import type { Command } from 'commander';
import type { Answerers, ApprovalDetail, ApprovalQuery } from '../../client/approvals.ts';
import { action } from '../context.ts';
import { collect, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { ago, duration } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface ListedOptions extends ListOptions {
  status: NonNullable<ApprovalQuery['status']> | 'all';
  mine?: boolean;
  run?: string;
  workflow?: string;
}

interface AnswerOptions {
  input?: string[];
  comment?: string;
}

/** `signalbox approvals list|show|approve|reject`. */
export function addApprovals(program: Command, io: Io): void {
  const group = program.command('approvals').description('what workflows ask of people: list, show, approve and reject it');
  const list = addListOptions(group.command('list').description('list the open ones, the newest first'))
    .option('--status <status>', 'those that are approved, rejected, expired or withdrawn, or all', 'open')
    .option('--mine', 'only those that you may answer, or have answered')
    .option('--run <run>', 'only of this run')
    .option('--workflow <name>', 'only of this workflow');
  action(list, io, async (context, options: ListedOptions) => {
    const { status, mine, run, workflow, q, pageSize } = options;
    const client = await context.client();
    const now = context.io.now();
    const query = { status: status === 'all' ? undefined : status, mine, run, workflow, q, limit: pageSize };
    const approvals = await listed(context, options, client.approvals.list(query, { signal: context.signal }));
    if (approvals.length === 0) return context.out.lines(status === 'open' ? 'Nothing is open.' : 'No approvals.');
    context.out.lines(
      ...table(
        [
          { title: 'APPROVAL', cell: ({ id }) => id },
          { title: 'STATUS', cell: (approval) => state(approval.status) },
          { title: 'WORKFLOW', cell: (approval) => approval.workflow },
          { title: 'ASKED', cell: ({ askedAt }) => ago(askedAt, now), align: 'right' },
          { title: 'LEFT', cell: ({ status: is, deadline }) => (is === 'open' ? left(deadline, now) : ''), align: 'right' },
          { title: 'BY', cell: ({ by, answeredBy }) => answeredBy?.name ?? named(by) },
          { title: 'MESSAGE', cell: ({ message }) => message, isFlexible: true },
        ],
        approvals,
        context.out.columns,
      ),
    );
  });

  const show = group.command('show').argument('<approval>', 'the approval').description('show one with what it asks for');
  action(show, io, async (context, _: object, id: string) => {
    const client = await context.client();
    const approval = await client.approvals.get(id, { signal: context.signal });
    context.out.json(approval);
    context.out.lines(...linesOf(approval, context.io.now()));
  });

  for (const [verb, approved] of [
    ['approve', true],
    ['reject', false],
  ] as const) {
    const answer = group
      .command(verb)
      .argument('<approval>', 'the approval')
      .description(`${verb} it; its run ${approved ? 'goes on' : 'fails, unless the workflow goes on'}`)
      .option(
        '--input <key=value>',
        'what the form asks for: key=value, a JSON object, @FILE (JSON or YAML) or -; may be given again',
        collect,
      )
      .option('--comment <text>', 'why; the run keeps it');
    action(answer, io, async (context, { input, comment }: AnswerOptions, id: string) => {
      const data = input === undefined ? undefined : await readInputs(context.io, input);
      const client = await context.client();
      const approval = await client.approvals.answer(id, { approved, data, comment }, { signal: context.signal });
      context.out.json(approval);
      context.out.lines(line`${state(approval.status)} ${bold(approval.label)} ${dim(`of ${approval.run}`)}`);
    });
  }
}

function linesOf(approval: ApprovalDetail, now: number): (Styled | string)[] {
  const {
    message,
    status,
    workflow,
    run,
    step,
    by,
    deadline,
    remindedAt,
    reminders,
    answeredAt,
    answeredBy,
    whyNot,
    shown,
    form,
    data,
    comment,
  } = approval;
  const json = (title: string, value: unknown): (Styled | string)[] =>
    value === null ? [] : [line`${dim(title)}`, ...JSON.stringify(value, null, 2).split('\n')];
  return [
    line`${bold(message)}`,
    line`${state(status)}  ${dim(`${workflow} / ${step} of ${run}, started by ${approval.startedBy}`)}`,
    ...(status === 'open'
      ? [line`${dim('may answer:')} ${named(by)}${deadline === null ? '' : `, ${left(deadline, now)} left, then: ${approval.onDeadline}`}`]
      : [line`${dim('answered:')} ${answeredBy?.name ?? 'by nobody'}, ${ago(answeredAt, now)}${comment === null ? '' : `: ${comment}`}`]),
    ...(status === 'open' && remindedAt !== null ? [line`${dim('reminded:')} ${ago(remindedAt, now)}`] : []),
    ...(status === 'open' && reminders.length > 0 ? [line`${dim('reminds in:')} ${reminders.map((at) => left(at, now)).join(', ')}`] : []),
    ...(whyNot === null ? [] : [line`${dim('you may not:')} ${whyNot}`]),
    ...json('shown', shown),
    ...(status === 'open' ? json('form', form) : json('data', data)),
    ...(approval.mayAnswer ? [line`${dim('next:')} signalbox approvals approve ${approval.id}, or reject`] : []),
  ];
}

function named(by: Answerers | null): string {
  return by === null ? 'anyone' : [...by.roles.map((role) => `${role}s`), ...by.principals].join(', ');
}

function left(deadline: string | null, now: number): string {
  return deadline === null ? '' : duration(Date.parse(deadline) - now);
}
