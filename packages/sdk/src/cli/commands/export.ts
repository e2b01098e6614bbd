import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { action } from '../context.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';
import { collect } from '../inputs.ts';
import type { Io } from '../io.ts';
import { kinds, listMax, pageRows } from '../manifests/kinds.ts';
import { count } from '../text/figures.ts';
import { dim } from '../text/styled.ts';

interface Options {
  output?: string;
  kind?: string[];
  label?: string[];
}

/** `signalbox export`: what stands, as manifests that `apply` takes. */
export function addExport(program: Command, io: Io): void {
  const command = program
    .command('export')
    .description('write what stands as manifests that apply takes')
    .option('-o, --output <dir>', 'a folder, one file each; else all goes to standard output')
    .option('--kind <kind>', `only of this kind: ${kinds.map(({ word }) => word).join(', ')} (repeatable)`, collect)
    .option('--label <name=value>', 'only with this label (repeatable)', collect)
    .addHelpText('after', '\nExample: signalbox export -o manifests && signalbox apply -f manifests --dry-run');
  action(command, io, async (context, { output, kind: words, label: labels = [] }: Options) => {
    const { out, signal } = context;
    const unknown = words?.find((word) => !kinds.some((kind) => kind.word === word));
    if (unknown !== undefined) {
      throw new CliFailure(exitCode.usage, `there is no kind ${unknown}`, `Kinds: ${kinds.map(({ word }) => word).join(', ')}.`);
    }
    const client = await context.client();
    const folder = output === undefined ? null : resolve(context.io.cwd, output);
    let written = 0;
    for (const { word, of } of kinds.filter(({ word }) => words === undefined || words.includes(word))) {
      const standing = await of(client).list({ limit: pageRows }, { signal }).take(listMax);
      for (const { name, labels: own } of standing) {
        if (!labels.every((label) => hasLabel(own, label))) continue;
        const { manifest } = await of(client).get(name, { signal });
        const text = stringify(manifest, { lineWidth: 120, aliasDuplicateObjects: false });
        if (folder === null) out.document(`---\n${text}`);
        else {
          // The name of a budget has its folder: `workflow/report`.
          const file = join(folder, word, `${name}.yaml`);
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, text);
        }
        written++;
      }
    }
    if (folder !== null) out.lines(dim(`${count(written, 'manifest')} in ${output}. Values of secrets are not among them.`));
    else if (written === 0) throw new CliFailure(exitCode.notFound, 'there is nothing to export', 'See what stands: signalbox status');
  });
}

function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const at = wanted.indexOf('=');
  return at < 0 ? Object.hasOwn(labels, wanted) : labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}
