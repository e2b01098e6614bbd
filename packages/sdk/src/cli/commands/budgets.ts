import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Budget, BudgetAmounts, BudgetPeriod } from '../../client/budgets.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { inTime } from '../text/figures.ts';
import { bold, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface SetOptions extends BudgetAmounts {
  callTokens?: number;
  callCostUsd?: number;
  period?: BudgetPeriod;
}

type Measure = keyof BudgetAmounts;
const measures: readonly Measure[] = ['tokens', 'costUsd', 'steps'];
const scopeText = 'workspace, workflow/NAME or agent/NAME';

/** `signalbox budgets list|set|rm`. */
export function addBudgets(program: Command, io: Io): void {
  const group = program
    .command('budgets')
    .description('what all runs of the workspace, of a workflow, or all calls to an agent may use together');

  const list = addListOptions(group.command('list', { isDefault: true }).description('budgets, with what is spent of them'));
  action(list, io, async (context, { q, pageSize, ...options }: ListOptions) => {
    const client = await context.client();
    const budgets = await listed(
      context,
      { ...options, pageSize },
      client.budgets.list({ q, limit: pageSize }, { signal: context.signal }),
    );
    if (budgets.length === 0)
      return context.out.lines('No budgets. Make one: signalbox budgets set workspace --cost-usd 100 --period month');
    const now = context.io.now();
    const rows = budgets.flatMap((budget) =>
      measures.filter((each) => budget.limit[each] !== undefined).map((measure) => ({ budget, measure })),
    );
    context.out.lines(
      ...table(
        [
          { title: 'SCOPE', cell: ({ budget }) => budget.scope, isFlexible: true },
          { title: 'COUNTS', cell: ({ measure }) => names[measure] },
          { title: 'LIMIT', cell: ({ budget, measure }) => amount(budget.limit[measure]), align: 'right' },
          { title: 'SPENT', cell: ({ budget, measure }) => amount(budget.spent[measure]), align: 'right' },
          { title: 'SET ASIDE', cell: ({ budget, measure }) => amount(budget.given[measure]), align: 'right' },
          { title: 'PER CALL', cell: ({ budget, measure }) => amount(budget.perCall[measure]), align: 'right' },
          { title: 'PERIOD', cell: ({ budget }) => budget.period },
          { title: 'ANEW', cell: ({ budget }) => inTime(budget.renewsAt, now), align: 'right' },
        ],
        rows,
        context.out.columns,
      ),
    );
  });

  const set = group
    .command('set')
    .argument('<scope>', scopeText)
    .description('make a budget, or replace its limits; what is spent stays')
    .option('--tokens <n>', 'tokens in and out together', whole)
    .option('--cost-usd <n>', 'US dollars', positiveAmount)
    .option('--steps <n>', 'attempts of steps', whole)
    .addOption(new Option('--period <period>', 'when it begins anew (UTC); total: never').choices(['total', 'day', 'month']))
    .option('--call-tokens <n>', 'what a call is taken to use at most whose step does not say it', whole)
    .option('--call-cost-usd <n>', 'the same in US dollars', positiveAmount);
  action(set, io, async (context, { callTokens, callCostUsd, period, ...limit }: SetOptions, scope: string) => {
    if (measures.every((measure) => limit[measure] === undefined))
      throw new CliFailure(exitCode.usage, 'the budget limits nothing', 'Say at least one of --tokens, --cost-usd and --steps.');
    const client = await context.client();
    const spec = {
      limit: { ...limit },
      perCall: { ...(callTokens !== undefined && { tokens: callTokens }), ...(callCostUsd !== undefined && { costUsd: callCostUsd }) },
      ...(period && { period }),
    };
    const { action: done, resource } = await client.budgets.apply(scope, spec, {}, { signal: context.signal });
    context.out.json(resource);
    context.out.lines(line`${bold(resource.scope)} is ${done}: ${limitText(resource)}`);
  });

  const remove = group
    .command('rm')
    .argument('<scope>', scopeText)
    .description('take one away, with what was counted; runs go on without it')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, scope: string) => {
    await confirm(context, `Remove the budget ${scope}? Runs go on without it.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.budgets.remove(scope, { signal: context.signal });
    context.out.json({ scope });
    context.out.lines(line`${bold(scope)} is removed`);
  });
}

const names: Record<Measure, string> = { tokens: 'tokens', costUsd: 'US dollars', steps: 'steps' };

function amount(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toFixed(6)));
}

function limitText({ limit, period }: Budget): string {
  const texts = measures.flatMap((measure) => (limit[measure] === undefined ? [] : [`${amount(limit[measure])} ${names[measure]}`]));
  return `${texts.join(', ')}${period === 'total' ? '' : ` a ${period}`}`;
}

function whole(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 0 or more.');
  return Number(text);
}

function positiveAmount(text: string): number {
  if (!/^\d{1,12}(?:\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError('It must be a number as 12.50, 0 or more.');
  return Number(text);
}
