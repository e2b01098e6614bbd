import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { StackFault } from '../stack-fault.ts';
import { fetchNatsServer } from './fetch-binary.ts';

const run = promisify(execFile);

/** Folders where packages put servers, also when the PATH of this user leaves them out. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
/** The oldest release whose features we use. */
const oldest = [2, 9] as const;

export interface NatsBinary {
  path: string;
  /** As `2.9.10`. */
  version: string;
  /** Where it was found, for the line that says so. */
  from: 'the path' | 'the data folder' | 'a Debian package' | 'the release archive';
}

/** A nats-server: on the path, else kept in `folder`, else fetched into it and verified. */
export async function natsBinary(folder: string): Promise<NatsBinary> {
  const onPath = await firstUsable([...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...serverFolders]);
  if (onPath) return { ...onPath, from: 'the path' };
  const kept = await firstUsable([folder]);
  if (kept) return { ...kept, from: 'the data folder' };
  const from = await fetchNatsServer(folder);
  const fetched = await firstUsable([folder]);
  if (!fetched)
    throw new StackFault(
      'The nats-server that was fetched does not run on this machine.',
      'Install nats-server 2.9 or newer and put it on the PATH.',
    );
  return { ...fetched, from };
}

async function firstUsable(folders: string[]): Promise<{ path: string; version: string } | null> {
  for (const folder of folders) {
    const path = join(folder, 'nats-server');
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    const version = isThere ? await versionOf(path) : null;
    if (version) return { path, version };
  }
  return null;
}

/** The version that the program tells of itself; null when it cannot be used. */
async function versionOf(path: string): Promise<string | null> {
  const { stdout } = await run(path, ['--version'], { timeout: 10_000 }).catch(() => ({ stdout: '' }));
  const match = /v(\d+)\.(\d+)\.(\d+)/.exec(stdout);
  if (!match) return null;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]) ? match[0].slice(1) : null;
}
