import type { Command } from 'commander';
import type { IncidentDetail, IncidentQuery } from '../../client/incidents.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { state } from '../views/lamps.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface Options extends ListOptions {
  agent?: string;
  status?: IncidentQuery['status'];
  severity?: IncidentQuery['severity'];
  cause?: IncidentQuery['cause'];
}

/** `signalbox incidents [ID]`. */
export function addIncidents(program: Command, io: Io): void {
  const command = program
    .command('incidents')
    .argument('[incident]', 'show this one with its timeline')
    .description('what went wrong and what was done about it, the newest first');
  addListOptions(command)
    .option('--agent <name>', 'only of this agent')
    .option('--status <status>', 'only open, acknowledged or resolved ones')
    .option('--severity <severity>', 'only critical, high, medium or low ones')
    .option(
      '--cause <cause>',
      'only of this cause: lost, errors, slow, crash-loop, probe, poison-task, budget, rollout, dependency, capacity, by-hand',
    );
  action(command, io, async (context, { q, pageSize, limit, ...filters }: Options, id?: string) => {
    const client = await context.client();
    const now = context.io.now();
    if (id !== undefined) {
      const incident = await client.incidents.get(id, { signal: context.signal });
      context.out.json(incident);
      return context.out.lines(...linesOf(incident, now, context.out.columns));
    }
    const query = { ...filters, q, limit: pageSize };
    const incidents = await listed(context, { limit, pageSize }, client.incidents.list(query, { signal: context.signal }));
    if (incidents.length === 0) return context.out.lines('No incidents.');
    context.out.lines(
      ...table(
        [
          { title: 'INCIDENT', cell: (each) => each.id },
          { title: 'STATUS', cell: (each) => state(each.status) },
          { title: 'SEVERITY', cell: (each) => each.severity },
          { title: 'FAULTS', cell: (each) => each.faults, align: 'right' },
          { title: 'OPENED', cell: (each) => ago(each.openedAt, now), align: 'right' },
          { title: 'WHO', cell: (each) => each.acknowledgedBy ?? each.onCall ?? each.owner ?? '' },
          { title: 'WHAT', cell: (each) => each.title, isFlexible: true },
        ],
        incidents,
        context.out.columns,
      ),
    );
  });
}

/** `signalbox ack ID`. */
export function addAck(program: Command, io: Io): void {
  const command = program
    .command('ack')
    .argument('<incident>', 'the incident')
    .description('say that you look after an incident: nobody is reminded any more')
    .option('--note <text>', 'for its timeline');
  action(command, io, async (context, { note }: { note?: string }, id: string) => {
    const client = await context.client();
    const incident = await client.incidents.acknowledge(id, note, { signal: context.signal });
    context.out.json(incident);
    context.out.lines(line`${state(incident.status)} ${bold(incident.title)}`);
  });
}

/** `signalbox close ID`. */
export function addClose(program: Command, io: Io): void {
  const command = program
    .command('close')
    .argument('<incident>', 'the incident')
    .description('end an incident; what is isolated stays so')
    .option('--note <text>', 'for its timeline');
  action(command, io, async (context, { note }: { note?: string }, id: string) => {
    const client = await context.client();
    const incident = await client.incidents.resolve(id, note, { signal: context.signal });
    context.out.json(incident);
    context.out.lines(line`${state(incident.status)} ${bold(incident.title)}`);
  });
}

/** `signalbox note ID TEXT`. */
export function addNote(program: Command, io: Io): void {
  const command = program
    .command('note')
    .argument('<incident>', 'the incident')
    .argument('<text>', 'what others should know')
    .description('add a note to the timeline of an incident');
  action(command, io, async (context, _: object, id: string, text: string) => {
    const client = await context.client();
    const incident = await client.incidents.note(id, text, { signal: context.signal });
    context.out.json(incident);
    context.out.lines(line`noted in ${bold(incident.title)}`);
  });
}

function linesOf(incident: IncidentDetail, now: number, columns: number): (Styled | string)[] {
  const { id, title, status, severity, cause, faults, owner, onCall, runbook, openedAt, acknowledgedBy, resolvedBy, timeline, dropped } =
    incident;
  const rows = table(
    [
      { title: 'WHEN', cell: (entry) => ago(entry.at, now), align: 'right' },
      { title: 'STAGE', cell: (entry) => entry.stage },
      { title: 'OF', cell: (entry) => [entry.agent, entry.instance].filter((part) => part !== null).join('/') },
      { title: 'BY', cell: (entry) => entry.by },
      { title: 'WHAT', cell: (entry) => entry.text, isFlexible: true },
    ],
    timeline,
    columns,
  );
  return [
    line`${bold(title)}  ${state(status)}, ${severity}`,
    line`${dim('cause:')} ${cause}, ${faults} ${faults === 1 ? 'fault' : 'faults'}, opened ${ago(openedAt, now)}`,
    ...(owner === null ? [] : [line`${dim('owner:')} ${owner}`]),
    ...(onCall === null ? [] : [line`${dim('on call:')} ${onCall}`]),
    ...(runbook === null ? [] : [line`${dim('runbook:')} ${runbook}`]),
    ...(acknowledgedBy === null ? [] : [line`${dim('looked after by:')} ${acknowledgedBy}`]),
    ...(resolvedBy === null ? [] : [line`${dim('ended by:')} ${resolvedBy}`]),
    '',
    ...rows,
    ...(dropped > 0 ? [dim(`${dropped} later entries were not kept`)] : []),
    ...(status === 'open' ? [dim(`next: signalbox ack ${id}`)] : []),
  ];
}
