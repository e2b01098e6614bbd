import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';

/** Where the JSON Schemas are published: beside what reads such files. */
const schemas: Record<string, () => string> = {
  workflow: () => import.meta.resolve('@signalbox/workflow/schemas/workflow.schema.json'),
  'workflow-test': () => new URL('../../../schemas/workflow-test.schema.json', import.meta.url).href,
};

/** `signalbox schema KIND`. */
export function addSchema(program: Command, io: Io): void {
  const command = program
    .command('schema')
    .argument('<kind>', Object.keys(schemas).join(' or '))
    .description('print the JSON Schema of a kind of file, for editors')
    .addHelpText('after', '\nExample: signalbox schema workflow > workflow.schema.json');
  action(command, io, async ({ out }, _: object, kind: string) => {
    const schema = Object.hasOwn(schemas, kind) ? schemas[kind]?.() : undefined;
    if (schema === undefined) {
      throw new CliFailure(exitCode.usage, `there is no schema of ${kind}`, `Ask for one of ${Object.keys(schemas).join(', ')}.`);
    }
    out.document(await readFile(new URL(schema), 'utf8'));
  });
}
