import { InvalidArgumentError, type Command } from 'commander';
import type { ReleaseAction } from '../../client/runs.ts';
import { action } from '../context.ts';
import type { Io } from '../io.ts';
import { bold, line } from '../text/styled.ts';

/** `signalbox release RUN WORD`. */
export function addRelease(program: Command, io: Io): void {
  const command = program
    .command('release')
    .argument('<run>', 'the run that is set aside')
    .argument('<word>', 'go-on, or fail: nothing of it is undone or finished then', wordOf)
    .description('say what follows for a run that ended its owners and was set aside');
  action(command, io, async (context, _: object, id: string, word: ReleaseAction) => {
    const client = await context.client();
    const run = await client.runs.release(id, word, { signal: context.signal });
    context.out.json(run);
    context.out.lines(line`${bold(run.id)} ${run.status}${run.reason ? `: ${run.reason}` : ''}`);
  });
}

function wordOf(word: string): ReleaseAction {
  if (word === 'go-on' || word === 'fail') return word;
  throw new InvalidArgumentError('Say go-on or fail.');
}
