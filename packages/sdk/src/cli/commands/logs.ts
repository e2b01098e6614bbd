import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { eventLine } from '../views/event-line.ts';
import { telling } from './follow.ts';
import { interrupted, judge } from './run.ts';

interface Options {
  follow?: boolean;
}

/** `signalbox logs RUN`. */
export function addLogs(program: Command, io: Io): void {
  const command = program
    .command('logs')
    .argument('<run>', 'the run')
    .description('show what happened in a run, event by event')
    .option('--follow', 'go on until the run has ended; the exit code is 1 when it failed');
  action(command, io, async (context, options: Options, id: string) => {
    const { out, signal } = context;
    const client = await context.client();
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
