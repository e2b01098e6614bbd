import type { Command } from 'commander';
import { action } from '../context.ts';
import { collect, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { bold, line } from '../text/styled.ts';

interface Options {
  input?: string[];
  idempotencyKey?: string;
}

/** `signalbox signal RUN NAME`. */
export function addSignal(program: Command, io: Io): void {
  const command = program
    .command('signal')
    .argument('<run>', 'the run')
    .argument('<name>', 'the signal’s name')
    .description('send a signal to a run: the step that waits for it goes on')
    .option('--input <key=value>', 'what it says: key=value, a JSON object, @FILE (JSON or YAML) or -; may be given again', collect)
    .option('--idempotency-key <key>', 'the same key again is the same signal');
  action(command, io, async (context, options: Options, id: string, name: string) => {
    const data = options.input === undefined ? null : await readInputs(context.io, options.input);
    const client = await context.client();
    const run = await client.runs.signal(id, name, data, { signal: context.signal, idempotencyKey: options.idempotencyKey });
    context.out.json(run);
    context.out.lines(line`${bold(run.id)} ${run.status}: it has the signal ${bold(name)}`);
  });
}
