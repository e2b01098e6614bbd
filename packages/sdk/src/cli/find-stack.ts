import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exitCode } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import type { Io } from './io.ts';

/** Where Signalbox is and what opens it. */
export interface Target {
  url: string;
  apiKey: string | undefined;
  /** How it was found, for `status` and error messages. */
  source: string;
}

/** What `npm start` writes into its data folder while it runs. */
interface StackFile {
  url: string;
  pid: number;
}

/** This file is `packages/sdk/{src,dist}/cli/find-stack` of a clone. */
export const cloneRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../../../..');

/**
 * The gateway and the key: `--url` or SIGNALBOX_URL and SIGNALBOX_API_KEY, else the local stack, found by its data folder. The local
 * stack's key is used for the local stack alone.
 */
export async function findTarget(io: Io, options: { url?: string | undefined; data?: string | undefined }): Promise<Target> {
  const given = options.url ?? nonEmpty(io.env['SIGNALBOX_URL']);
  const givenKey = nonEmpty(io.env['SIGNALBOX_API_KEY']);
  const folders = dataFolders(io, options.data);
  const local = await findStack(folders);
  if (given !== undefined) {
    const url = checkedUrl(given);
    const isLocal = local !== null && sameOrigin(url, local.stack.url);
    const apiKey = givenKey ?? (isLocal ? await keyIn(local.folder) : undefined);
    return { url, apiKey, source: options.url === undefined ? 'SIGNALBOX_URL' : '--url' };
  }
  if (local === null) {
    throw new CliFailure(
      exitCode.unreachable,
      `no running Signalbox was found (${folders.length === 1 ? folders[0] : '.signalbox here, above, and in the clone'})`,
      'Start one with npm start, or set SIGNALBOX_URL and SIGNALBOX_API_KEY.',
    );
  }
  if (!isAlive(local.stack.pid)) {
    throw new CliFailure(exitCode.unreachable, `the local Signalbox of ${local.folder} is not running`, 'Start it with npm start.');
  }
  return { url: checkedUrl(local.stack.url), apiKey: givenKey ?? (await keyIn(local.folder)), source: local.folder };
}

/** `--data`, else SIGNALBOX_DATA, else `.signalbox` here, in the folders above, and in the clone that this program is of. */
export function dataFolders(io: Io, data: string | undefined): string[] {
  const given = data ?? nonEmpty(io.env['SIGNALBOX_DATA']);
  if (given !== undefined) return [resolve(io.cwd, given)];
  const folders: string[] = [];
  for (let at = resolve(io.cwd); ; at = dirname(at)) {
    folders.push(join(at, '.signalbox'));
    if (dirname(at) === at) break;
  }
  return [...new Set([...folders, join(cloneRoot, '.signalbox')])];
}

async function findStack(folders: readonly string[]): Promise<{ folder: string; stack: StackFile } | null> {
  let dead: { folder: string; stack: StackFile } | null = null;
  for (const folder of folders) {
    const text = await readFile(join(folder, 'stack.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    try {
      const stack = JSON.parse(text) as StackFile;
      if (typeof stack.url !== 'string') continue;
      if (isAlive(stack.pid)) return { folder, stack };
      dead ??= { folder, stack };
    } catch {
      // Half written: another start is under way; the next folder may know more.
      continue;
    }
  }
  return dead;
}

async function keyIn(folder: string): Promise<string | undefined> {
  try {
    return (await readFile(join(folder, 'admin.key'), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliFailure(
      exitCode.forbidden,
      `cannot read the key in ${folder}: ${(error as Error).message}`,
      'It belongs to who started Signalbox: set SIGNALBOX_API_KEY to a key of your own.',
    );
  }
}

function isAlive(pid: unknown): boolean {
  if (typeof pid !== 'number') return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CliFailure(exitCode.usage, `${text} is not an address`, 'Give it like http://127.0.0.1:7420.');
  }
  return text.replace(/\/+$/, '');
}

function sameOrigin(a: string, b: string): boolean {
  return URL.parse(a)?.origin === URL.parse(b)?.origin;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
