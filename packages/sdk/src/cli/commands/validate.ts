import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure, wordsOf } from '../failure.ts';
import type { PlacedFault } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { filesBelow, manifestFile, readText, setValues } from '../manifests/load.ts';
import { count } from '../text/figures.ts';
import { bold, dim, green, line, red } from '../text/styled.ts';
import type { WorkflowFile } from '../workflow-files/read-workflow.ts';

interface Options {
  set?: string[];
}

type Checked = { file: string; workflow: WorkflowFile | null; errors: readonly PlacedFault[] };

/** `signalbox validate FILE…`. */
export function addValidate(program: Command, io: Io): void {
  const command = program
    .command('validate')
    .argument('<file...>', 'workflow files, folders of them, or - for standard input')
    .description('check workflow files with the compiler of the service, without one: every wrong place with line and column')
    .option('--set <name=value>', 'a value for a parameter of the bundle that the file is of; may be given again', collect);
  action(command, io, async (context, options: Options, paths: string[]) => {
    const { out } = context;
    const values = setValues(options.set);
    const { readWorkflow } = await import('../workflow-files/read-workflow.ts');
    const checked: Checked[] = [];
    for (const path of (await Promise.all(paths.map((one) => workflowFiles(io, one)))).flat()) {
      try {
        const workflow = await readWorkflow(io, path, values);
        checked.push({ file: workflow.file, workflow, errors: [] });
      } catch (thrown) {
        if (!(thrown instanceof CliFailure) || thrown.errors.length === 0) throw thrown;
        checked.push({ file: thrown.errors[0]?.file ?? path, workflow: null, errors: thrown.errors });
      }
    }
    out.json(checked.map(({ file, workflow, errors }) => ({ file, workflow: workflow?.manifest.metadata.name ?? null, errors })));
    for (const { file, workflow, errors } of checked) {
      if (workflow !== null) {
        const { metadata, spec } = workflow.manifest;
        out.lines(line`${green('✔')} ${file}  ${dim(`workflow ${metadata.name}, ${count(Object.keys(spec.steps).length, 'step')}`)}`);
      }
      for (const { place, text } of errors.map(wordsOf)) out.lines(line`${red('✖')} ${bold(place)}: ${text}`);
    }
    const wrong = checked.filter(({ workflow }) => workflow === null).length;
    if (wrong > 0) throw new CliFailure(exitCode.usage, `${wrong} of ${count(checked.length, 'file')} cannot be applied`);
  });
}

/** The file itself, or the workflow files below a folder. */
async function workflowFiles(io: Io, path: string): Promise<string[]> {
  if (path === '-') return [path];
  const full = resolve(io.cwd, path);
  const stat = await lstat(full).catch(() => null);
  if (!stat?.isDirectory()) return [path];
  const files: string[] = [];
  for (const file of await filesBelow(full, manifestFile)) if (isWorkflow(await readText(file, file))) files.push(file);
  if (files.length === 0) throw new CliFailure(exitCode.usage, `there is no workflow file in ${path}`, 'Give the file by its name.');
  return files;
}

/** Whether a file of a folder is meant to be a workflow; by its text, since it may be wrong in any way. */
function isWorkflow(text: string): boolean {
  return /^kind:\s*["']?Workflow["']?\s*(?:#.*)?$/m.test(text);
}
