import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { filesBelow, setValues } from '../manifests/load.ts';
import { count } from '../text/figures.ts';
import { bold, dim, green, line, red } from '../text/styled.ts';
import type { CaseResult } from '../workflow-tests/run-suites.ts';

interface Options {
  update?: boolean;
  filter?: string;
  set?: string[];
  reporter: 'text' | 'json' | 'junit';
}

const testFile = /\.test\.ya?ml$/;

/** `signalbox test [FILE…]`. */
export function addTest(program: Command, io: Io): void {
  const command = program
    .command('test')
    .argument('[file...]', 'test files (*.test.yaml) or folders of them; this folder if absent')
    .description('play the cases of workflow tests, with mocks and in virtual time; the exit code is 1 when one fails')
    .option('--filter <text>', 'only cases whose name holds this')
    .option('--update', 'write golden runs anew')
    .option('--set <name=value>', 'a value for a parameter of the bundle that the workflow is of; may be given again', collect)
    .addOption(new Option('--reporter <kind>', 'how results are told').choices(['text', 'json', 'junit']).default('text'));
  action(command, io, async (context, options: Options, paths: string[]) => {
    const { out, signal } = context;
    const isText = options.reporter === 'text' && !out.isJson;
    const files = (await Promise.all((paths.length === 0 ? ['.'] : paths).map((path) => testFiles(io, path)))).flat();
    const [{ readSuite }, { runCase }, { caseLines, junit }] = await Promise.all([
      import('../workflow-tests/suite.ts'),
      import('../workflow-tests/run-suites.ts'),
      import('../workflow-tests/reports.ts'),
    ]);
    const values = setValues(options.set);
    const results: CaseResult[] = [];
    for (const file of files) {
      const suite = await readSuite(io, file, values);
      const cases = suite.cases.filter(({ name }) => name.includes(options.filter ?? ''));
      if (isText && cases.length > 0) out.lines(bold(suite.file));
      for (const one of cases) {
        const result = await runCase(suite, one, options.update === true, signal);
        results.push(result);
        if (isText) out.lines(...caseLines(result));
      }
    }
    if (results.length === 0) throw new CliFailure(exitCode.usage, `there is no case ${options.filter ?? ''}`.trim(), 'Look at --filter.');
    const failed = results.filter(({ failing }) => failing.length > 0).length;
    if (options.reporter === 'junit') out.document(junit(results));
    else if (options.reporter === 'json' || out.isJson) out.document(JSON.stringify(results, null, 2));
    else {
      const passed = results.length - failed;
      out.lines(
        '',
        line`${count(results.length, 'case')}: ${green(`${passed} passed`)}${failed > 0 ? red(`, ${failed} failed`) : ''} ${dim(took(results))}`,
      );
    }
    if (failed > 0) throw new CliFailure(exitCode.failed, `${failed} of ${count(results.length, 'case')} failed`);
  });
}

function took(results: readonly CaseResult[]): string {
  return `in ${Math.round(results.reduce((sum, { realMs }) => sum + realMs, 0))} ms`;
}

async function testFiles(io: Io, path: string): Promise<string[]> {
  const full = resolve(io.cwd, path);
  const stat = await lstat(full).catch(() => null);
  if (!stat?.isDirectory()) return [full];
  const files = await filesBelow(full, testFile);
  if (files.length === 0) throw new CliFailure(exitCode.usage, `there is no test in ${path}`, 'A test of review.yaml is review.test.yaml.');
  return files;
}
