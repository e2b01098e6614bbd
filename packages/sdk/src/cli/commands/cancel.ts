import type { Command } from 'commander';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { bold, line } from '../text/styled.ts';

/** `signalbox cancel RUN`. */
export function addCancel(program: Command, io: Io): void {
  const command = program.command('cancel').argument('<run>', 'the run').description('end a run: its open steps are told to stop');
  action(command, io, async (context, _: object, id: string) => {
    const client = await context.client();
    const run = await client.runs.cancel(id, { signal: context.signal });
    context.out.json(run);
    context.out.lines(line`${bold(run.id)} ${run.status}${run.reason ? `: ${run.reason}` : ''}`);
  });
}
