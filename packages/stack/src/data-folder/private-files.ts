import { readFile, rename, writeFile } from 'node:fs/promises';

/** Writes a file that only its owner may read, whole or not at all. */
export async function writePrivate(path: string, contents: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, contents, { mode: 0o600 });
  await rename(unfinished, path);
}

/** A JSON file, or null when there is none. */
export async function readJson<T>(path: string): Promise<T | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : (JSON.parse(text) as T);
}

/** A JSON file, made on the first call. */
export async function readOrMake<T>(path: string, make: () => T): Promise<T> {
  const found = await readJson<T>(path);
  if (found !== null) return found;
  const made = make();
  await writePrivate(path, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}
