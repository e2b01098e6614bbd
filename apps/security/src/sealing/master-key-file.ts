import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomUUID } from 'node:crypto';
import { log } from '@signalbox/shared/telemetry/log.js';
import { MasterKey } from './master-key.ts';

/** Nobody but the owner may read the file; its group may where an orchestrator mounts it so. */
const othersMayMask = 0o027;

/** The master key in the file. Null when there is no file; throws when it is no key or others may read it. */
export async function readMasterKey(path: string): Promise<MasterKey | null> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!found) return null;
  const mode = found.mode & 0o777;
  if (mode & othersMayMask) throw new Error(`the master key ${path} has mode ${mode.toString(8)}: others may read it; set it to 600`);
  if (mode & 0o040) log.warn('the group of the master key may read it', { path });
  try {
    return MasterKey.fromText(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new Error(`the file ${path} does not hold a master key: 32 bytes in base64 are expected, and older keys on lines below`, {
      cause,
    });
  }
}

/** Writes a new master key where there is none yet; whoever comes first wins. */
export async function makeMasterKey(path: string): Promise<MasterKey> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(MasterKey.random().toText());
    await file.sync();
  } finally {
    await file.close();
  }
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  const key = await readMasterKey(path);
  if (!key) throw new Error(`the master key ${path} was written and is gone`);
  log.info('a master key was made', { path, masterKey: key.id });
  return key;
}
