import type { Command } from 'commander';
import { action } from '../context.ts';
import { collect, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { tellStarted } from './run.ts';

interface Options {
  from?: string[];
  input?: string[];
  follow?: boolean;
  idempotencyKey?: string;
}

/** `signalbox fork RUN`. */
export function addFork(program: Command, io: Io): void {
  const command = program
    .command('fork')
    .argument('<run>', 'a run that has ended')
    .description('start a run that keeps what another has done: what failed is tried again')
    .option('--from <step>', 'do this step again, and all that follows it; may be given again', collect)
    .option('--input <key=value>', 'another input: key=value, a JSON object, @FILE (JSON or YAML) or -; may be given again', collect)
    .option('--idempotency-key <key>', 'the same key again within 24 hours gives the same run')
    .option('--follow', 'show its steps until it has ended; the exit code is 1 when it failed');
  action(command, io, async (context, options: Options, id: string) => {
    const client = await context.client();
    const fork = {
      ...(options.from && { from: options.from }),
      ...(options.input && { input: await readInputs(context.io, options.input) }),
    };
    const run = await client.runs.fork(id, fork, { signal: context.signal, idempotencyKey: options.idempotencyKey });
    await tellStarted(context, client, run, options.follow === true);
  });
}
