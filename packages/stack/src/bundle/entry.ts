import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../data-folder/private-files.ts';

/** Where a service's one file is, below its app, and what it was made from. */
export const bundlePath = join('dist', 'bundle', 'main.mjs');
export const inputsPath = join('dist', 'bundle', 'inputs.json');

/** Our own files that went in, with size and time: a bundle is used only while they are the same. */
export type Inputs = Record<string, string>;

/** A file's size and time. */
export async function stampOf(path: string): Promise<string> {
  const { size, mtimeMs } = await stat(path);
  return `${size} ${mtimeMs}`;
}

/** What to start a service by: its bundle if that was made from what is built now, else the plain `main.js`. */
export async function entryOf(root: string, service: string): Promise<string> {
  const app = join(root, 'apps', service);
  const plain = join(app, 'dist', 'main.js');
  // Coverage wants to see the files that were written.
  if (process.env.NODE_V8_COVERAGE) return plain;
  try {
    const inputs = await readJson<Inputs>(join(app, inputsPath));
    if (!inputs) return plain;
    const stamps = await Promise.all(Object.entries(inputs).map(async ([path, stamp]) => (await stampOf(join(root, path))) === stamp));
    await stat(join(app, bundlePath));
    return stamps.every(Boolean) ? join(app, bundlePath) : plain;
  } catch {
    return plain; // something of it is missing
  }
}
