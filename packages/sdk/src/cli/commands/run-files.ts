import { readFile, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { bytes } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { state } from '../views/lamps.ts';

/** The service takes no more. */
const fileMaxBytes = 32 * 1024 * 1024;

/** `signalbox runs export RUN`, `signalbox runs import FILE`. */
export function addRunFiles(group: Command, io: Io): void {
  const exporting = group
    .command('export')
    .argument('<run>', 'a run that has ended')
    .description('write an ended run as a file: its workflow, input, all that happened, and its outputs')
    .option('-o, --output <file>', 'write it there, not to standard output');
  action(exporting, io, async (context, { output }: { output?: string }, run: string) => {
    const { out, signal } = context;
    const client = await context.client();
    const content = new Uint8Array(await (await client.runs.export(run, { signal })).arrayBuffer());
    if (content.byteLength > fileMaxBytes) {
      out.note(
        `The file has ${bytes(content.byteLength)}, and import reads ${bytes(fileMaxBytes)} at most: it can be kept and read, and not imported.`,
      );
    }
    if (output === undefined) return void context.io.stdout.write(new TextDecoder().decode(content));
    await writeFile(resolve(io.cwd, output), content).catch((error: Error) => {
      throw new CliFailure(exitCode.failed, `cannot write ${output}: ${error.message}`, 'Choose another place.');
    });
    out.json({ run, file: resolve(io.cwd, output), bytes: content.byteLength });
    out.lines(line`${bold(run)} ${dim(`(${bytes(content.byteLength)})`)} written to ${output}`);
  });
  const importing = group
    .command('import')
    .argument('<file>', 'what export wrote, here or elsewhere')
    .description('read a run from a file, to look at it, compare it and go on from it here');
  action(importing, io, async (context, _: unknown, file: string) => {
    const { out, signal } = context;
    const content = await readRunFile(resolve(io.cwd, file), file);
    const client = await context.client();
    const run = await client.runs.import(content, { signal });
    out.json(run);
    out.lines(
      line`${bold(run.id)} ${run.workflow} ${state(run.status)} ${dim(`was ${run.origin?.run ?? 'another'}`)}`,
      dim(`Look: signalbox runs ${run.id}`),
    );
  });
}

async function readRunFile(path: string, shown: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size } = await stat(path);
    if (size > fileMaxBytes) throw new Error(`it has ${bytes(size)}, and ${bytes(fileMaxBytes)} is the most`);
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new CliFailure(
      exitCode.usage,
      `cannot read ${shown}: ${(error as Error).message}`,
      'Give a file that signalbox runs export wrote.',
    );
  }
}
