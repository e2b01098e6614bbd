import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canReach, postgresAccount } from '../postgres/account.ts';
import { StackFault } from '../stack-fault.ts';
import { unusable } from './unusable.ts';
import { layoutOf, type DataLayout } from './layout.ts';
import { readJson, readOrMake } from './private-files.ts';

/** The layout that this Signalbox reads and writes. A later one that it cannot read has a higher number. */
export const dataFormat = 1;

/** Less than this and PostgreSQL would soon stop in the middle of its work. */
const freeMinBytes = 512 * 1024 * 1024;

/** Where data goes that PostgreSQL's account could not reach in the data folder. */
const sharedRoot = '/var/lib/signalbox';

interface VersionFile {
  format: number;
  /** Of the Signalbox that made the folder. */
  signalbox: string;
  /** Names what belongs to this folder and lies outside it. */
  id: string;
}

export interface DataFolder extends DataLayout {
  isNew: boolean;
}

/** Opens a data folder, or makes it. Refuses what a newer Signalbox wrote, what is no data folder, and a disk that is nearly full. */
export async function openDataFolder(root: string, signalboxVersion: string, limits = { freeMinBytes }): Promise<DataFolder> {
  const layout = layoutOf(root);
  const existing = await versionIn(layout);
  if (!existing) await refuseForeign(root);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await checkSpace(root, limits.freeMinBytes);
  const account = await postgresAccount();
  await chmod(root, account ? 0o711 : 0o700); // PostgreSQL's account must come through to its own folder, and sees nothing on the way
  const { id } = await readOrMake<VersionFile>(layout.versionFile, () => ({
    format: dataFormat,
    signalbox: signalboxVersion,
    id: randomBytes(8).toString('hex'),
  }));
  for (const folder of [layout.logs, layout.backups, layout.security, layout.credsFolder, layout.compileCache])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(layout.bin, { recursive: true, mode: 0o755 });
  if (!account || (await canReach(layout.postgres, account))) return { ...layout, isNew: !existing };
  const outside = join(sharedRoot, id);
  await mkdir(outside, { recursive: true, mode: 0o711 });
  return { ...layout, postgres: join(outside, 'postgres'), bin: join(sharedRoot, 'bin'), isNew: !existing };
}

async function versionIn(layout: DataLayout): Promise<VersionFile | null> {
  const found = await readJson<VersionFile>(layout.versionFile).catch((error: NodeJS.ErrnoException) => {
    throw unusable(layout.root, error);
  });
  if (found && found.format > dataFormat) {
    throw new StackFault(
      `The data folder ${layout.root} was written by a newer Signalbox (${found.signalbox}, format ${found.format}; this one reads format ${dataFormat}).`,
      'Start that version, or another data folder (--data DIR).',
    );
  }
  return found;
}

/** What may lie in a new folder: our own lock, fetched programs, and keys that somebody put there for a restore. */
const broughtAlong = new Set(['launcher.lock', 'bin', 'security', 'admin.key']);

/** Nobody's files are mixed with ours: a folder that is not empty must be ours. */
async function refuseForeign(root: string): Promise<void> {
  const entries = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unusable(root, error);
  });
  if (entries.some((name) => !broughtAlong.has(name))) {
    throw new StackFault(`${root} is not empty and is no data folder of Signalbox.`, 'Choose an empty or a new folder (--data DIR).');
  }
}

async function checkSpace(root: string, minBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  if (free >= minBytes) return;
  throw new StackFault(
    `The disk of ${root} is nearly full: ${megabytes(free)} MB are free, ${megabytes(minBytes)} MB are needed.`,
    'Free some space, or use a data folder on another disk (--data DIR).',
  );
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024);
}

/** Removes what a data folder holds, and what lies outside it, but keeps fetched programs. Only ever a folder of ours. */
export async function emptyDataFolder(root: string): Promise<void> {
  const layout = layoutOf(root);
  const version = await readJson<VersionFile>(layout.versionFile);
  if (!version) {
    await refuseForeign(root);
    return;
  }
  if (/^[0-9a-f]{16}$/.test(version.id)) await rm(join(sharedRoot, version.id), { recursive: true, force: true });
  for (const name of await readdir(root)) {
    const path = join(root, name);
    if (path !== layout.bin && path !== layout.lockFile) await rm(path, { recursive: true, force: true });
  }
}

/** Whether a folder holds data of Signalbox. */
export async function isDataFolder(root: string): Promise<boolean> {
  return (await stat(layoutOf(root).versionFile).catch(() => null)) !== null && dirname(root) !== root;
}
