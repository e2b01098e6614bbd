import type { Command } from 'commander';
import { ApiError } from '../../client/api-error.ts';
import { action, type Context } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { setValues } from '../manifests/load.ts';
import { dim } from '../text/styled.ts';

interface Options {
  set?: string[];
}

/** `signalbox diff FILE [OTHER]`. */
export function addDiff(program: Command, io: Io): void {
  const command = program
    .command('diff')
    .argument('<file>', 'a workflow file')
    .argument('[other]', 'a newer one; else what stands on the server is compared with the file')
    .description('show step by step how two versions of a workflow differ')
    .option('--set <name=value>', 'a value for a parameter of the bundle that a file is of; may be given again', collect);
  action(command, io, async (context, options: Options, path: string, other?: string) => {
    const [{ readWorkflow }, { workflowDifference, differenceLines }] = await Promise.all([
      import('../workflow-files/read-workflow.ts'),
      import('../workflow-files/difference.ts'),
    ]);
    const values = setValues(options.set);
    const file = await readWorkflow(io, path, values);
    const newer = other === undefined ? file : await readWorkflow(io, other, values);
    const { name } = file.manifest.metadata;
    const before = other === undefined ? await applied(context, name) : file.manifest;
    const difference = workflowDifference(before, newer.manifest);
    context.out.json({ workflow: name, ...difference });
    context.out.lines(...(difference.isSame ? [dim(`${name} is the same.`)] : differenceLines(name, difference)));
  });
}

async function applied(context: Context, name: string): Promise<unknown> {
  const client = await context.client();
  try {
    return (await client.workflows.get(name, { signal: context.signal })).manifest;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not_found') throw error;
    throw new CliFailure(exitCode.notFound, `no workflow ${name} is applied yet`, 'Apply it, or give two files.', { cause: error });
  }
}
