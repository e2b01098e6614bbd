import { Option, type Command } from 'commander';
import type { KpiWindow } from '../../client/kpis.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { dim, green, red } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { kpiBurn, kpiFigure, kpiTarget, kpiTitle, sparkline } from '../views/kpi-lines.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

const windows: KpiWindow[] = ['1h', '6h', '1d', '7d', '30d'];
const courseWidth = 20;

/** `signalbox kpis`. */
export function addKpis(program: Command, io: Io): void {
  const command = program
    .command('kpis')
    .description('latency, errors, availability and times to recover against their targets, and how fast error budgets burn')
    .addOption(new Option('--window <time>', 'up to now').choices(windows).default('1h'))
    .option('--agent <name>', 'only of this agent');
  action(command, io, async (context, query: { window: KpiWindow; agent?: string }) => {
    const client = await context.client();
    const page = await client.kpis.get(query, { signal: context.signal });
    context.out.json(page);
    context.out.lines(
      ...table(
        [
          { title: 'KPI', cell: ({ name }) => kpiTitle(name) },
          { title: 'VALUE', cell: ({ value, unit }) => kpiFigure(value, unit), align: 'right' },
          { title: 'P50', cell: ({ p50, unit }) => kpiFigure(p50, unit), align: 'right' },
          { title: 'P99', cell: ({ p99, unit }) => kpiFigure(p99, unit), align: 'right' },
          { title: 'TARGET', cell: kpiTarget, align: 'right' },
          { title: '', cell: ({ met }) => (met === null ? '' : met ? green('met') : red('missed')) },
          {
            title: 'BUDGET LEFT',
            cell: ({ budgetLeft }) => (budgetLeft === null ? '-' : `${Math.round(budgetLeft * 100)} %`),
            align: 'right',
          },
          {
            title: 'BURNS',
            cell: (kpi) => {
              const { text, isBurning } = kpiBurn(kpi);
              return isBurning ? red(text) : dim(text);
            },
          },
          { title: 'MEASURED', cell: ({ count }) => String(count), align: 'right' },
          { title: 'COURSE', cell: ({ points }) => sparkline(points, courseWidth) },
        ],
        page.data,
        context.out.columns,
      ),
    );
    if (page.data.every(({ count }) => count === 0)) context.out.note(dim('Nothing was measured in this time. See another: --window 7d'));
  });
}

/** `signalbox objectives list|rm`: they are made by `apply`. */
export function addObjectives(program: Command, io: Io): void {
  const group = program
    .command('objectives')
    .description('what KPIs are to be, in place of what the product promises; made by apply, kind Objective');
  const list = addListOptions(group.command('list', { isDefault: true }).description('objectives by name'));
  action(list, io, async (context, { q, ...options }: ListOptions) => {
    const client = await context.client();
    const objectives = await listed(context, options, client.objectives.list({ q, limit: options.pageSize }, { signal: context.signal }));
    if (objectives.length === 0) return context.out.lines('No such objective: KPIs are to be what the product promises.');
    context.out.lines(
      ...table(
        [
          { title: 'OBJECTIVE', cell: ({ name }) => name },
          { title: 'KPI', cell: ({ kpi }) => kpi },
          { title: 'AGENT', cell: ({ agent }) => agent ?? dim('all') },
          { title: 'TARGET', cell: ({ target }) => String(target), align: 'right' },
          { title: 'WITHIN', cell: ({ within }) => (within === undefined ? '-' : String(within)), align: 'right' },
          { title: 'SAYS', cell: ({ description }) => description, isFlexible: true },
        ],
        objectives,
        context.out.columns,
      ),
    );
  });

  const remove = group
    .command('rm')
    .argument('<name>', 'the objective')
    .description('take an objective away; what the product promises counts again')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Remove the objective ${name}?`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.objectives.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(`${name} is removed`);
  });
}
