import type { Command } from 'commander';
import type { Gate, GateMetric } from '../../client/gates.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox gates list|rm`: they are made by `apply`. */
export function addGates(program: Command, io: Io): void {
  const group = program.command('gates').description('what versions of agents need to get to a stage; made by apply, kind Gate');
  const list = addListOptions(group.command('list', { isDefault: true }).description('gates that count, those built in with them'));
  action(list, io, async (context, { q, ...options }: ListOptions) => {
    const client = await context.client();
    const gates = await listed(context, options, client.gates.list({ q, limit: options.pageSize }, { signal: context.signal }));
    if (gates.length === 0) return context.out.lines('No such gate.');
    context.out.lines(
      ...table(
        [
          { title: 'GATE', cell: (gate) => gate.name },
          { title: 'STAGES', cell: ({ stages }) => stages.join(', ') },
          { title: 'AGENTS', cell: ({ agents }) => agents?.join(', ') ?? dim('all') },
          { title: 'ASKS', cell: asksOf, isFlexible: true },
          { title: 'DAYS', cell: ({ evidenceDays }) => String(evidenceDays), align: 'right' },
          { title: 'FROM', cell: ({ builtIn, replaces }) => (builtIn ? dim('built in') : replaces ? `for ${replaces}` : 'applied') },
        ],
        gates,
        context.out.columns,
      ),
    );
  });

  const remove = group
    .command('rm')
    .argument('<name>', 'the gate')
    .description('take a gate away; a built-in one of that name is there again')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Remove the gate ${name}? Promotions no longer need it.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.gates.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(line`${name} is removed`);
  });
}

function asksOf({ metrics, approvals }: Gate): string {
  const asks = metrics.map(metricText);
  if (approvals) asks.push(`${approvals.count} approvals by ${approvals.roles.join(' or ')}`);
  return asks.join(', ') || 'nothing';
}

function metricText({ metric, min, max, maxRise, maxFall }: GateMetric): string {
  const targets = [
    min !== undefined && `≥ ${min}`,
    max !== undefined && `≤ ${max}`,
    maxRise !== undefined && `at most ${percent(maxRise)} above`,
    maxFall !== undefined && `at most ${percent(maxFall)} below`,
  ];
  return `${metric} ${targets.filter((target) => target !== false).join(' and ')}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(4))} %`;
}
