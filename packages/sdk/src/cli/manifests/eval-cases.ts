import { readFile, realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { Manifest } from '../../client/schema.ts';
import { exitCode } from '../exit-codes.ts';
import { CliFailure } from '../failure.ts';

/** More than a suite can hold. */
const bytesMax = 1024 * 1024;

/** An eval suite with the cases of its `casesFile`, one a line as JSON, in their place; other manifests as they are. */
export async function withCases(manifest: Manifest, folder: string, where: string): Promise<Manifest> {
  const { casesFile, ...spec } = manifest.spec as Record<string, unknown>;
  if (manifest.kind !== 'EvalSuite' || casesFile === undefined) return manifest;
  if (typeof casesFile !== 'string' || spec['cases'] !== undefined) {
    throw new CliFailure(exitCode.usage, `${where}: casesFile is the name of a file in place of cases`, 'Give one of both.');
  }
  return { ...manifest, spec: { ...spec, cases: linesOf(await textOf(folder, casesFile, where), casesFile) } };
}

async function textOf(folder: string, file: string, where: string): Promise<string> {
  const full = resolve(folder, file);
  try {
    const [real, root] = [await realpath(full), await realpath(folder)];
    // Whoever applies a manifest trusts its folder, not the rest of the disk.
    if (relative(root, real).startsWith('..')) throw new Error('it is outside the folder of the manifest');
    const content = await readFile(real);
    if (content.byteLength > bytesMax) throw new Error('it is larger than 1 MiB');
    return content.toString('utf8');
  } catch (error) {
    throw new CliFailure(exitCode.usage, `${where}: cannot read casesFile ${file}: ${(error as Error).message}`, 'Check the path.');
  }
}

function linesOf(text: string, file: string): unknown[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (error) {
      const detail = (error as Error).message;
      throw new CliFailure(
        exitCode.usage,
        `${file}:${index + 1}: ${detail}`,
        'Each line is a case as JSON: { "input": …, "expected": … }.',
      );
    }
  });
}
