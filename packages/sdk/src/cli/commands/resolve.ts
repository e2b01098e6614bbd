import { InvalidArgumentError, type Command } from 'commander';
import type { StepWord } from '../../client/runs.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect, readInputs } from '../inputs.ts';
import type { Io } from '../io.ts';
import { bold, line } from '../text/styled.ts';

interface Options {
  output?: string[];
  idempotencyKey?: string;
}

/** `signalbox resolve RUN STEP WORD`. */
export function addResolve(program: Command, io: Io): void {
  const command = program
    .command('resolve')
    .argument('<run>', 'the run')
    .argument('<step>', 'the step whose executor was lost, as analyse or analyse[3]')
    .argument('<word>', 'retry, fail, or output: what it would have given', wordOf)
    .description('say what follows a lost attempt of a step with onCrash: ask')
    .option('--output <key=value>', 'with output: key=value, a JSON object, @FILE (JSON or YAML) or -; may be given again', collect)
    .option('--idempotency-key <key>', 'the same key again is the same word');
  action(command, io, async (context, options: Options, id: string, key: string, word: StepWord['action']) => {
    if (options.output !== undefined && word !== 'output')
      throw new CliFailure(
        exitCode.usage,
        '--output goes with the word output alone',
        `Leave it out, or say: signalbox resolve ${id} ${key} output`,
      );
    const output = options.output === undefined ? null : await readInputs(context.io, options.output);
    const client = await context.client();
    const said: StepWord = word === 'output' ? { action: word, output } : { action: word };
    const step = await client.runs.resolve(id, key, said, { signal: context.signal, idempotencyKey: options.idempotencyKey });
    context.out.json(step);
    context.out.lines(line`${bold(step.key)} ${step.status}`);
  });
}

function wordOf(word: string): StepWord['action'] {
  if (word === 'retry' || word === 'fail' || word === 'output') return word;
  throw new InvalidArgumentError('Say retry, fail or output.');
}
