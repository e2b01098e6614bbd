import type { Command } from 'commander';
import type { Firing } from '../../client/schedules.ts';
import type { Trigger } from '../../client/triggers.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { firingColumns, lastWord } from '../views/firing-columns.ts';
import { state } from '../views/lamps.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox triggers list|get|history|pause|resume|rm`. They are made by `signalbox apply`. */
export function addTriggers(program: Command, io: Io): void {
  const group = program.command('triggers').description('workflows that start when something happens; apply makes them');
  const list = addListOptions(group.command('list').description('list triggers'))
    .option('--workflow <name>', 'only of this workflow')
    .option('--kind <kind>', 'only webhook, runEnded or event');
  action(list, io, async (context, options: ListOptions & { workflow?: string; kind?: Trigger['kind'] }) => {
    const client = await context.client();
    const { q, workflow, kind, pageSize } = options;
    const triggers = await listed(
      context,
      options,
      client.triggers.list({ q, workflow, kind, limit: pageSize }, { signal: context.signal }),
    );
    if (triggers.length === 0) return context.out.lines('No triggers. Make one: signalbox apply -f FILE, see docs/schedules.md');
    context.out.lines(
      ...table(
        [
          { title: 'TRIGGER', cell: ({ name }) => name },
          { title: 'WORKFLOW', cell: ({ workflow: started }) => started },
          { title: 'ON', cell: (trigger) => onOf(trigger) },
          { title: 'STATE', cell: (trigger) => state(trigger.state) },
          { title: 'LAST', cell: ({ last }) => (last === null ? '' : state(lastWord(last))) },
          {
            title: 'REASON',
            cell: ({ pausedReason, last }) => pausedReason ?? (last?.outcome === 'started' ? '' : (last?.reason ?? '')),
            isFlexible: true,
          },
        ],
        triggers,
        context.out.columns,
      ),
    );
  });

  const get = group.command('get').argument('<trigger>', 'its name').description('show one, with the address of its hook');
  action(get, io, async (context, _: object, name: string) => {
    const client = await context.client();
    const trigger = await client.triggers.get(name, { signal: context.signal });
    context.out.json(trigger);
    const { workflow, appliedBy, hook, last, pausedReason } = trigger;
    context.out.lines(
      line`${bold(name)} starts ${bold(workflow)} on ${onOf(trigger)}: ${state(trigger.state)} ${dim(`(applied by ${appliedBy})`)} ${pausedReason ?? ''}`,
      ...(hook === null ? [] : [line`hook: POST /api/v1/hooks/${hook}`]),
      ...(last === null ? [] : [line`last: ${last.time} ${state(lastWord(last))} ${last.run ?? ''} ${last.reason ?? ''}`]),
    );
  });

  const history = group.command('history').argument('<trigger>', 'its name').description('what it was called for and what it started');
  addListOptions(history).option('--outcome <outcome>', 'only started, skipped or failed');
  action(history, io, async (context, options: ListOptions & { outcome?: Firing['outcome'] }, name: string) => {
    const client = await context.client();
    const { q, outcome, pageSize } = options;
    const firings = await listed(
      context,
      options,
      client.triggers.firings(name, { q, outcome, limit: pageSize }, { signal: context.signal }),
    );
    if (firings.length === 0) return context.out.lines('Nothing yet.');
    context.out.lines(...table(firingColumns(context.io.now()), firings, context.out.columns));
  });

  const pause = group
    .command('pause')
    .argument('<trigger>', 'its name')
    .description('start nothing more until it is resumed: calls of its hook are refused')
    .option('--reason <text>', 'why, for those who find it paused');
  action(pause, io, async (context, { reason }: { reason?: string }, name: string) => {
    const client = await context.client();
    const trigger = await client.triggers.pause(name, reason, { signal: context.signal });
    context.out.json(trigger);
    context.out.lines(line`${bold(name)} is ${trigger.state}`);
  });

  const resume = group.command('resume').argument('<trigger>', 'its name').description('let a paused one go on');
  action(resume, io, async (context, _: object, name: string) => {
    const client = await context.client();
    const trigger = await client.triggers.resume(name, { signal: context.signal });
    context.out.json(trigger);
    context.out.lines(line`${bold(name)} is ${trigger.state}`);
  });

  const remove = group
    .command('rm')
    .argument('<trigger>', 'its name')
    .description('take one away with its history: its hook is gone, its runs stay')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(
      context,
      `Remove the trigger ${name} and its history? Its hook is gone for good, its runs stay.`,
      yes,
      'Say --yes to go on.',
    );
    const client = await context.client();
    await client.triggers.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(line`${bold(name)} is removed`);
  });
}

function onOf({ kind, watches }: Trigger): string {
  return kind === 'webhook' ? 'webhook' : kind === 'event' ? `event ${watches ?? ''}` : `the end of ${watches ?? ''}`;
}
