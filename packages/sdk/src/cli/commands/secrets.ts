import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import type { Io } from '../io.ts';
import { ago } from '../text/figures.ts';
import { bold, dim, line } from '../text/styled.ts';
import { table } from '../text/table.ts';
import { confirm } from './confirm.ts';
import { addListOptions, listed } from './list-options.ts';
import type { ListOptions } from './list-options.ts';

interface SetOptions {
  fromFile?: string;
  fromEnv?: string;
  description?: string;
}

/** `signalbox secrets set|list|rm|rotate`. There is no `get`: values are read by the services that need them. */
export function addSecrets(program: Command, io: Io): void {
  const group = program.command('secrets').description('secrets that manifests name as secret://NAME: set, list and remove them');
  const list = addListOptions(group.command('list').description('list secrets, without their values'));
  action(list, io, async (context, options: ListOptions) => {
    const client = await context.client();
    const now = context.io.now();
    const { q, pageSize } = options;
    const secrets = await listed(context, options, client.secrets.list({ q, limit: pageSize }, { signal: context.signal }));
    if (secrets.length === 0) return context.out.lines('No secrets.');
    context.out.lines(
      ...table(
        [
          { title: 'NAME', cell: ({ name }) => name },
          { title: 'VERSION', cell: ({ version }) => String(version), align: 'right' },
          { title: 'UPDATED', cell: ({ updatedAt }) => ago(updatedAt, now), align: 'right' },
          { title: 'BY', cell: ({ updatedBy }) => updatedBy },
          { title: 'LAST USED', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : ago(lastUsedAt, now)), align: 'right' },
          { title: 'DESCRIPTION', cell: ({ description }) => description, isFlexible: true },
        ],
        secrets,
        context.out.columns,
      ),
    );
  });

  const set = group
    .command('set')
    .usage('[options] <name>')
    .argument('<name>', 'lower-case letters, digits and hyphens')
    .argument('[value...]', 'never: see below')
    .description('make a secret or give it another value')
    .option('--from-file <file>', 'take the value from a file; a line break at its end is left out')
    .option('--from-env <variable>', 'take the value from a variable of the environment')
    .option('--description <text>', 'what it is for')
    .addHelpText(
      'after',
      '\nWithout an option the value is typed unseen, or read from standard input: printenv TOKEN | signalbox secrets set token',
    );
  action(set, io, async (context, { description, ...from }: SetOptions, name: string, values: string[]) => {
    if (values.length > 0) {
      throw new CliFailure(
        exitCode.usage,
        'a value is never given on the command line: others can read it there, and your shell keeps it',
        'Pipe it in, name a file by --from-file or a variable by --from-env, or type it when you are asked. Change what stood there.',
      );
    }
    const value = await readValue(context.io, from, name);
    const client = await context.client();
    const secret = await client.secrets.set(name, { value, description }, { signal: context.signal });
    context.out.json(secret);
    context.out.lines(line`${bold(name)} is set ${dim(`(version ${secret.version}); manifests name it as secret://${name}`)}`);
  });

  const remove = group
    .command('rm')
    .argument('<name>', 'the secret')
    .description('forget a secret; what names it fails from then on')
    .option('-y, --yes', 'do not ask');
  action(remove, io, async (context, { yes }: { yes?: boolean }, name: string) => {
    await confirm(context, `Remove the secret ${name}? What names it fails from then on.`, yes, 'Say --yes to go on.');
    const client = await context.client();
    context.out.json(await client.secrets.remove(name, { signal: context.signal }));
    context.out.lines(line`${bold(name)} is removed`);
  });

  const rotate = group.command('rotate').description('seal all secrets anew with a new data key; values stay as they are');
  action(rotate, io, async (context) => {
    const client = await context.client();
    const rotated = await client.secrets.rotate({ signal: context.signal });
    context.out.json(rotated);
    context.out.lines(line`sealed anew: ${bold(String(rotated.secrets))} ${dim(`with data key ${rotated.version}`)}`);
  });
}

async function readValue(io: Io, { fromFile, fromEnv }: SetOptions, name: string): Promise<string> {
  if (fromFile !== undefined && fromEnv !== undefined)
    throw new CliFailure(exitCode.usage, '--from-file and --from-env exclude each other', 'Give one of them.');
  const value = await (fromFile !== undefined ? readValueFile(io, fromFile) : fromEnv !== undefined ? io.env[fromEnv] : typed(io, name));
  if (value === undefined) throw new CliFailure(exitCode.usage, `there is no variable ${fromEnv ?? ''}`, 'Export it, or use --from-file.');
  if (value === '') throw new CliFailure(exitCode.usage, 'the value is empty', `Remove a secret by: signalbox secrets rm ${name}`);
  return value;
}

async function readValueFile(io: Io, file: string): Promise<string> {
  try {
    return withoutLineBreak(await readFile(resolve(io.cwd, file), 'utf8'));
  } catch (error) {
    throw new CliFailure(exitCode.usage, `cannot read ${file}: ${(error as Error).message}`, 'Check the path.');
  }
}

async function typed(io: Io, name: string): Promise<string> {
  return io.askHidden ? io.askHidden(`Value of ${name} (it is not shown): `) : withoutLineBreak(await io.readStdin());
}

/** Editors and `echo` end a text by one. */
function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}
