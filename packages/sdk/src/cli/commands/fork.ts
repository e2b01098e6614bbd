import { InvalidArgumentError, type Command } from 'commander';
import { action } from '../context.ts';
import { collect, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { tellStarted } from './run.ts';

interface Options {
  from?: string[];
  agent?: Record<string, number>;
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
    .option('--agent <name=version>', 'what is done again is done by this version of the agent; may be given again', collectVersion)
    .option('--idempotency-key <key>', 'the same key again within 24 hours gives the same run')
    .option('--follow', 'show its steps until it has ended; the exit code is 1 when it failed');
  action(command, io, async (context, options: Options, id: string) => {
    const client = await context.client();
    const fork = {
      ...(options.from && { from: options.from }),
      ...(options.agent && { versions: options.agent }),
      ...(options.input && { input: await readInputs(context.io, options.input) }),
    };
    const run = await client.runs.fork(id, fork, { signal: context.signal, idempotencyKey: options.idempotencyKey });
    await tellStarted(context, client, run, options.follow === true);
  });
}

function collectVersion(text: string, before: Record<string, number> | undefined): Record<string, number> {
  const [, name, version] = /^([a-z0-9-]+)=([1-9]\d{0,8})$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('Say it as writer=3.');
  return { ...before, [name]: Number(version) };
}
