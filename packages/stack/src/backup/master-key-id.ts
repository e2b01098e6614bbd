import { readFile } from 'node:fs/promises';
import { masterKeyId } from '@signalbox/shared/secrets/master-key-id.js';
import { StackFault } from '../stack-fault.ts';

const keyBytes = 32;

/** Ids of the master keys in a file's text, a key a line in base64: the current one first, then those that it replaced. */
export function masterKeyIds(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const key = Buffer.from(line, 'base64');
      if (key.length !== keyBytes) throw new Error(`a master key has ${keyBytes} bytes, not ${key.length}`);
      return masterKeyId(key);
    });
}

/** Those of a file; none when there is no file. */
export async function masterKeyIdsIn(path: string): Promise<string[]> {
  try {
    return masterKeyIds(await readFile(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new StackFault(`The master key ${path} cannot be used: ${(cause as Error).message}.`, 'Put a copy of the right one there.', {
      cause,
    });
  }
}
