import { InvalidArgumentError, Option, type Command } from 'commander';
import type { UsageBucket, UsageRow } from '../../client/usage.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { dim } from '../text/styled.ts';
import { table, type Column } from '../text/table.ts';
import { addListOptions, seconds } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options extends ListOptions {
  by?: string;
  bucket?: UsageBucket;
  last?: number;
  from?: string;
  to?: string;
  workflow?: string;
  agent?: string;
  model?: string;
}

const groups = ['workflow', 'agent', 'model'] as const;
/** Characters of a time that say something of a bucket. */
const timeLength: Record<UsageBucket, number> = { hour: 16, day: 10, month: 7 };

/** `signalbox usage`. */
export function addUsage(program: Command, io: Io): void {
  const command = program.command('usage').description('tokens and cost by workflow, agent, model and time');
  addListOptions(command)
    .option('--by <names>', 'workflow, agent, model: each for itself, by commas', groupsOf, 'workflow')
    .addOption(new Option('--bucket <time>', 'each hour, day or month for itself (UTC)').choices(['hour', 'day', 'month']))
    .option('--last <duration>', 'only so far back: 12h, 7d; else 30 days', seconds)
    .option('--from <time>', 'from then on, ISO 8601')
    .option('--to <time>', 'up to then, ISO 8601')
    .option('--workflow <name>', 'only of this workflow')
    .option('--agent <name>', 'only of this agent')
    .option('--model <name>', 'only of this model');
  action(command, io, async (context, { limit, pageSize, last, from, ...filters }: Options) => {
    const client = await context.client();
    const since = from ?? (last === undefined ? undefined : new Date(context.io.now() - last * 1_000).toISOString());
    const query = { ...filters, from: since, limit: pageSize };
    const rows: UsageRow[] = [];
    let page = await client.usage.page(query, { signal: context.signal });
    const { total } = page;
    for (rows.push(...page.data); rows.length < limit && page.nextCursor !== null; rows.push(...page.data)) {
      page = await client.usage.page({ ...query, cursor: page.nextCursor }, { signal: context.signal });
    }
    const shown = rows.slice(0, limit);
    context.out.json({ from: page.from, to: page.to, total, rows: shown });
    if (shown.length === 0) return context.out.lines('Nothing told what it used in this time. See another: --last 90d');
    const cut = filters.bucket && timeLength[filters.bucket];
    const columns: Column<UsageRow>[] = [
      ...(cut === undefined ? [] : [{ title: 'TIME', cell: ({ at }: UsageRow) => (at ?? '').replace('T', ' ').slice(0, cut) }]),
      ...groups
        .filter((group) => filters.by?.split(',').includes(group))
        .map((group, at) => ({
          title: group.toUpperCase(),
          cell: (row: UsageRow) => row[group] || '(none)',
          ...(at === 0 && { isFlexible: true }),
        })),
      { title: 'CALLS', cell: ({ attempts }) => String(attempts), align: 'right' as const },
      { title: 'IN', cell: ({ inputTokens }) => String(inputTokens), align: 'right' as const },
      { title: 'OUT', cell: ({ outputTokens }) => String(outputTokens), align: 'right' as const },
      { title: 'US DOLLARS', cell: ({ costUsd }) => costUsd.toFixed(4), align: 'right' as const },
    ];
    context.out.lines(...table(columns, shown, context.out.columns));
    context.out.lines(
      dim(
        `Together ${total.attempts} calls, ${total.inputTokens} tokens in, ${total.outputTokens} out, ${total.costUsd.toFixed(4)} US dollars.`,
      ),
    );
    if (rows.length > limit || page.nextCursor !== null) context.out.note(dim(`There are more: --limit ${limit * 2}`));
  });
}

function groupsOf(text: string): string {
  const names = text.split(',');
  if (new Set(names).size !== names.length || names.some((name) => !groups.some((group) => group === name)))
    throw new InvalidArgumentError('Say workflow, agent, model, or several by commas.');
  return text;
}
