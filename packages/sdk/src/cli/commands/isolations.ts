import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago, inTime } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

/** `signalbox isolations`. */
export function addIsolations(program: Command, io: Io): void {
  const command = program.command('isolations').description('agents and instances that are kept out of routing, with their next attempt');
  addListOptions(command).option('--agent <name>', 'only of this agent');
  action(command, io, async (context, { agent, q, ...options }: ListOptions & { agent?: string }) => {
    const client = await context.client();
    const now = context.io.now();
    const isolations = await listed(
      context,
      options,
      client.isolations.list({ agent, q, limit: options.pageSize }, { signal: context.signal }),
    );
    if (isolations.length === 0) return context.out.lines('Nothing is isolated.');
    context.out.lines(
      ...table(
        [
          { title: 'AGENT', cell: (each) => each.agent },
          { title: 'INSTANCE', cell: (each) => each.instance ?? 'all' },
          { title: 'STATE', cell: (each) => state(each.state) },
          { title: 'SINCE', cell: (each) => ago(each.since, now), align: 'right' },
          { title: 'ATTEMPTS', cell: (each) => each.attempt, align: 'right' },
          { title: 'NEXT', cell: (each) => inTime(each.nextAt, now), align: 'right' },
          { title: 'INCIDENT', cell: (each) => each.incident },
          { title: 'BECAUSE', cell: (each) => each.because, isFlexible: true },
        ],
        isolations,
        context.out.columns,
      ),
    );
  });
}

/** `signalbox isolate AGENT [INSTANCE]`. */
export function addIsolate(program: Command, io: Io): void {
  const command = program
    .command('isolate')
    .argument('<agent>', 'the agent')
    .argument('[instance]', 'one of its instances; else all of it')
    .description('take an agent or an instance out of routing; what it has is given to others')
    .requiredOption('--reason <text>', 'what others should know of it');
  action(command, io, async (context, { reason }: { reason: string }, agent: string, instance?: string) => {
    const client = await context.client();
    const { resource } = await client.isolations.isolate(agent, { reason, ...(instance && { instance }) }, { signal: context.signal });
    context.out.json(resource);
    context.out.lines(
      line`${state('isolated')} ${bold(nameOf(agent, instance))}, ${dim(resource.incident)}`,
      dim(`Let it in again: signalbox unisolate ${agent}${instance ? ` ${instance}` : ''}`),
    );
  });
}

/** `signalbox unisolate AGENT [INSTANCE]`. */
export function addUnisolate(program: Command, io: Io): void {
  const command = program
    .command('unisolate')
    .argument('<agent>', 'the agent, with those of its instances that are isolated')
    .argument('[instance]', 'only this one')
    .description('let what is isolated in again');
  action(command, io, async (context, _: object, agent: string, instance?: string) => {
    const client = await context.client();
    context.out.json(await client.isolations.release(agent, instance, { signal: context.signal }));
    context.out.lines(line`${bold(nameOf(agent, instance))} is let in again`);
  });
}

/** `signalbox recover AGENT [INSTANCE]`. */
export function addRecover(program: Command, io: Io): void {
  const command = program
    .command('recover')
    .argument('<agent>', 'the agent')
    .argument('[instance]', 'one of its instances; else the agent itself')
    .description('make the next attempt to recover what is isolated now, also after it was given up');
  action(command, io, async (context, _: object, agent: string, instance?: string) => {
    const client = await context.client();
    const { resource } = await client.isolations.recover(agent, instance, { signal: context.signal });
    context.out.json(resource);
    context.out.lines(line`${bold(nameOf(agent, instance))} is being recovered, ${dim(`signalbox incidents ${resource.incident}`)}`);
  });
}

function nameOf(agent: string, instance: string | undefined): string {
  return instance === undefined ? agent : `${agent}/${instance}`;
}
