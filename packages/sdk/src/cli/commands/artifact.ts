import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Artifact } from '../../client/artifacts.ts';
import type { SignalboxClient } from '../../client/client.ts';
import type { Context } from '../context.ts';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { ago, bytes } from '../text/figures.ts';
import { dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface GetOptions {
  run?: string;
  output?: string;
}

/** `signalbox artifact list|get`. */
export function addArtifact(program: Command, io: Io): void {
  const group = program.command('artifact').description('list and read artifacts: reports and other large results');
  const list = group.command('list').description('list artifacts, the newest first');
  addListOptions(list).option('--run <run>', 'only of this run');
  action(list, io, async (context, options: ListOptions & { run?: string }) => {
    const client = await context.client();
    const query = { run: options.run, q: options.q, limit: options.pageSize };
    const artifacts = await listed(context, options, client.artifacts.list(query, { signal: context.signal }));
    if (artifacts.length === 0) return context.out.lines('No artifacts yet.');
    context.out.lines(
      ...table(
        [
          { title: 'ARTIFACT', cell: (one) => one.id },
          { title: 'NAME', cell: (one) => one.name, isFlexible: true },
          { title: 'TYPE', cell: (one) => one.mediaType },
          { title: 'SIZE', cell: (one) => bytes(one.size), align: 'right' },
          { title: 'MADE', cell: (one) => ago(one.createdAt, context.io.now()), align: 'right' },
          { title: 'RUN', cell: (one) => one.run ?? '' },
        ],
        artifacts,
        context.out.columns,
      ),
    );
  });
  const get = group
    .command('get')
    .argument('<artifact>', 'its id, or its name: then the newest')
    .description('print an artifact, or write it to a file')
    .option('--run <run>', 'of this run')
    .option('-o, --output <file>', 'write it there');
  action(get, io, async (context, options: GetOptions, which: string) => {
    const client = await context.client();
    await give(context, client, await find(context, client, which, options.run), options.output);
  });
}

/** `signalbox report [RUN]`: the newest Markdown artifact, of a run or at all. */
export function addReport(program: Command, io: Io): void {
  const command = program
    .command('report')
    .argument('[run]', 'of this run')
    .description('print the newest report: the Markdown artifact of a run')
    .option('-o, --output <file>', 'write it there');
  action(command, io, async (context, options: GetOptions, run?: string) => {
    const client = await context.client();
    for await (const artifact of client.artifacts.list({ run, limit: 200 }, { signal: context.signal })) {
      if (artifact.mediaType.startsWith('text/markdown')) return give(context, client, artifact, options.output);
    }
    throw new CliFailure(
      exitCode.notFound,
      run ? `the run ${run} has no report` : 'there is no report yet',
      'Make one: signalbox run repository-report --follow',
    );
  });
}

async function find(context: Context, client: SignalboxClient, which: string, run: string | undefined): Promise<Artifact> {
  const { signal } = context;
  if (/^art[a-z]*_[0-9a-z]{26}$/.test(which)) return client.artifacts.get(which, { signal });
  for await (const artifact of client.artifacts.list({ run, name: which, limit: 200 }, { signal })) {
    if (artifact.name === which) return artifact;
  }
  throw new CliFailure(
    exitCode.notFound,
    `there is no artifact ${which}${run ? ` of the run ${run}` : ''}`,
    'List them: signalbox artifact list',
  );
}

async function give(context: Context, client: SignalboxClient, artifact: Artifact, file: string | undefined): Promise<void> {
  const { out, signal, io } = context;
  const response = await client.artifacts.content(artifact.id, { signal });
  if (file !== undefined) {
    const content = new Uint8Array(await response.arrayBuffer());
    await writeFile(resolve(io.cwd, file), content).catch((error: Error) => {
      throw new CliFailure(exitCode.failed, `cannot write ${file}: ${error.message}`, 'Choose another place.');
    });
    out.json({ ...artifact, file: resolve(io.cwd, file) });
    out.lines(line`${artifact.name} ${dim(`(${bytes(artifact.size)})`)} written to ${file}`);
    return;
  }
  const isText = /^(text\/|application\/(json|xml|yaml))/.test(artifact.mediaType);
  if (!isText) throw new CliFailure(exitCode.usage, `${artifact.name} is ${artifact.mediaType}, not text`, 'Write it to a file: -o FILE');
  const text = await response.text();
  if (out.isJson) out.json({ ...artifact, content: text });
  else out.document(text);
}
