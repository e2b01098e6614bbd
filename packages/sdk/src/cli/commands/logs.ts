import { Option, type Command } from 'commander';
import type { SignalboxClient } from '../../client/client.ts';
import type { RunEvent } from '../../client/runs.ts';
import { stepLog } from '../../client/step-log.ts';
import { action, type Context } from '../context.ts';
import type { Io } from '../io.ts';
import { count } from '../text/figures.ts';
import { dim } from '../text/styled.ts';
import { eventLine } from '../views/event-line.ts';
import { telling } from './follow.ts';
import { interrupted, judge } from './run.ts';

interface Options {
  follow?: boolean;
  step?: string;
}

/** `signalbox logs RUN --step KEY`: its events and the lines that are kept of each attempt. */
async function logStep({ out, signal }: Context, client: SignalboxClient, id: string, key: string): Promise<void> {
  const step = await client.runs.step(id, key, { signal });
  const events: RunEvent[] = [];
  for await (const event of client.runs.events(id, { limit: 200 }, { signal })) if (event.step === key) events.push(event);
  for (const { dropped, ...event } of stepLog(id, step, events)) {
    out.jsonLine(event);
    if (dropped !== undefined) out.lines(dim(`attempt ${event.attempt ?? 1}: ${count(dropped, 'earlier line')} not kept`));
    out.lines(eventLine(event, true));
  }
}

/** `signalbox logs RUN`. */
export function addLogs(program: Command, io: Io): void {
  const command = program
    .command('logs')
    .argument('<run>', 'the run')
    .description('show what happened in a run, event by event')
    .option('--follow', 'go on until the run has ended; the exit code is 1 when it failed')
    .addOption(new Option('--step <key>', 'only this step, with what its executors said').conflicts('follow'));
  action(command, io, async (context, options: Options, id: string) => {
    const { out, signal } = context;
    const client = await context.client();
    if (options.step !== undefined) return logStep(context, client, id, options.step);
    if (!options.follow) {
      for await (const event of client.runs.events(id, { limit: 200 }, { signal })) {
        out.jsonLine(event);
        out.lines(eventLine(event, true));
      }
      return;
    }
    try {
      for await (const event of client.runs.follow(id, { signal, onConnection: telling(context) })) {
        out.jsonLine(event);
        out.lines(eventLine(event, true));
      }
      judge(await client.runs.get(id, { signal }));
    } catch (error) {
      if (signal.aborted) throw interrupted(id, error);
      throw error;
    }
  });
}
