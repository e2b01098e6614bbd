import type { Command } from 'commander';
import type { Firing, Preview, Schedule, ScheduleDetail } from '../../client/schedules.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { inTime } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { firingColumns, lastWord } from '../views/firing-columns.ts';
import { state } from '../views/lamps.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed, positive } from './list-options.ts';
import type { ListOptions } from './list-options.ts';
import { tellStarted } from './run.ts';

interface RunOptions {
  idempotencyKey?: string;
  follow?: boolean;
}

interface NextOptions extends Preview {
  count: number;
}

/** `signalbox schedules list|get|next|history|run|pause|resume|rm`. They are made by `signalbox apply`. */
export function addSchedules(program: Command, io: Io): void {
  const group = program.command('schedules').description('workflows that start at given times; apply makes them');
  addList(group, io);

  const get = group.command('get').argument('<schedule>', 'its name').description('show one, with its next times');
  action(get, io, async (context, _: object, name: string) => {
    const client = await context.client();
    const { signal } = context;
    const schedule = await client.schedules.get(name, { signal });
    const times = schedule.state === 'active' ? (await client.schedules.preview(rhythmOf(schedule), { signal })).times : [];
    context.out.json({ ...schedule, times });
    context.out.lines(...lines(schedule, times, context.io.now()));
  });

  const next = group
    .command('next')
    .argument('[schedule]', 'its name; or say --cron or --every')
    .description('the next times of a schedule, or of a cron that is only an idea yet')
    .option('--cron <fields>', 'as "30 2 * * *" or @daily')
    .option('--every <duration>', 'as 15m')
    .option('--time-zone <zone>', 'IANA, as Europe/Berlin; UTC if absent')
    .option('--count <n>', 'so many', positive, 5);
  action(next, io, async (context, options: NextOptions, name?: string) => {
    const client = await context.client();
    const { signal } = context;
    const rhythm = name === undefined ? options : { ...rhythmOf(await client.schedules.get(name, { signal })), count: options.count };
    const { times } = await client.schedules.preview(rhythm, { signal });
    context.out.json(times);
    context.out.lines(...times.map((time) => timeLine(time, rhythm.timeZone ?? 'UTC', context.io.now())));
    if (times.length === 0) context.out.lines('No time comes any more.');
  });

  const history = group.command('history').argument('<schedule>', 'its name').description('what it started, skipped and failed to start');
  addListOptions(history).option('--outcome <outcome>', 'only started, waiting, skipped or failed');
  action(history, io, async (context, options: ListOptions & { outcome?: Firing['outcome'] }, name: string) => {
    const client = await context.client();
    const { q, outcome, pageSize } = options;
    const firings = await listed(
      context,
      options,
      client.schedules.firings(name, { q, outcome, limit: pageSize }, { signal: context.signal }),
    );
    if (firings.length === 0) return context.out.lines('Nothing yet.');
    context.out.lines(...table(firingColumns(context.io.now()), firings, context.out.columns));
  });

  const run = group
    .command('run')
    .argument('<schedule>', 'its name')
    .description('start what it starts, now and with your own rights')
    .option('--idempotency-key <key>', 'the same key again within 24 hours gives the same run')
    .option('--follow', 'show its steps until it has ended; the exit code is 1 when it failed');
  action(run, io, async (context, { idempotencyKey, follow }: RunOptions, name: string) => {
    const client = await context.client();
    const started = await client.schedules.run(name, { signal: context.signal, idempotencyKey });
    await tellStarted(context, client, started, follow === true);
  });

  const pause = group
    .command('pause')
    .argument('<schedule>', 'its name')
    .description('start nothing more until it is resumed; times that pass meanwhile are not caught up')
    .option('--reason <text>', 'why, for those who find it paused');
  action(pause, io, async (context, { reason }: { reason?: string }, name: string) => {
    const client = await context.client();
    told(context, await client.schedules.pause(name, reason, { signal: context.signal }));
  });

  const resume = group.command('resume').argument('<schedule>', 'its name').description('let a paused one go on');
  action(resume, io, async (context, _: object, name: string) => {
    const client = await context.client();
    told(context, await client.schedules.resume(name, { signal: context.signal }));
  });

  const remove = group
    .command('rm')
    .argument('<schedule>', 'its name')
    .description('take one away with its history; its runs go on and stay')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Remove the schedule ${name} and its history? Its runs stay.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    await client.schedules.remove(name, { signal: context.signal });
    context.out.json({ name });
    context.out.lines(line`${bold(name)} is removed`);
  });
}

function addList(group: Command, io: Io): void {
  const list = addListOptions(group.command('list').description('list schedules'))
    .option('--workflow <name>', 'only of this workflow')
    .option('--state <state>', 'only active, paused or ended');
  action(list, io, async (context, options: ListOptions & { workflow?: string; state?: Schedule['state'] }) => {
    const client = await context.client();
    const { q, workflow, state: only, pageSize } = options;
    const pages = client.schedules.list({ q, workflow, state: only, limit: pageSize }, { signal: context.signal });
    const schedules = await listed(context, options, pages);
    if (schedules.length === 0) return context.out.lines('No schedules. Make one: signalbox apply -f FILE, see docs/schedules.md');
    const now = context.io.now();
    context.out.lines(
      ...table(
        [
          { title: 'SCHEDULE', cell: ({ name }) => name },
          { title: 'WORKFLOW', cell: ({ workflow: started }) => started },
          { title: 'WHEN', cell: (schedule) => whenOf(schedule) },
          { title: 'STATE', cell: (schedule) => state(schedule.state) },
          { title: 'NEXT', cell: ({ nextTime }) => inTime(nextTime, now), align: 'right' },
          { title: 'LAST', cell: ({ last }) => (last === null ? '' : state(lastWord(last))) },
          {
            title: 'REASON',
            cell: ({ pausedReason, last }) => pausedReason ?? (last?.outcome === 'started' ? '' : (last?.reason ?? '')),
            isFlexible: true,
          },
        ],
        schedules,
        context.out.columns,
      ),
    );
  });
}

function told(context: Context, schedule: Schedule): void {
  context.out.json(schedule);
  context.out.lines(
    line`${bold(schedule.name)} is ${schedule.state}${schedule.nextTime ? `; next ${inTime(schedule.nextTime, context.io.now())}` : ''}`,
  );
}

function whenOf({ cron, every, timeZone }: Schedule): string {
  return cron === null ? `every ${every ?? ''}` : `${cron} ${timeZone}`;
}

function rhythmOf({ manifest: { spec } }: ScheduleDetail): Preview {
  const { cron, every, timeZone, start, end } = spec;
  return {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every: typeof every === 'number' ? `${every}ms` : every }),
    ...(timeZone !== undefined && { timeZone }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
}

function lines(schedule: ScheduleDetail, times: readonly string[], now: number): ReturnType<typeof line>[] {
  const { name, workflow, appliedBy, overlap, pausedReason, pausedBy, last } = schedule;
  return [
    line`${bold(name)} starts ${bold(workflow)}: ${whenOf(schedule)} ${dim(`(overlap: ${overlap}, applied by ${appliedBy})`)}`,
    ...(schedule.state === 'active'
      ? []
      : [line`${state(schedule.state)} ${pausedBy === null ? '' : `by ${pausedBy}`} ${pausedReason ?? ''}`]),
    ...(last === null ? [] : [line`last: ${last.time} ${state(lastWord(last))} ${last.run ?? ''} ${last.reason ?? ''}`]),
    ...times.map((time) => timeLine(time, schedule.timeZone, now)),
  ];
}

function timeLine(time: string, timeZone: string, now: number): ReturnType<typeof line> {
  const local = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(Date.parse(time));
  return line`${time.replace('.000Z', 'Z')}  ${local} ${timeZone}  ${dim(inTime(time, now))}`;
}
