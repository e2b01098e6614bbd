import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { allRoles } from '../database/services.ts';
import { newNatsKeys, type NatsKeys } from '../nats/keys.ts';
import type { DataLayout } from './layout.ts';
import { readJson, readOrMake, writePrivate } from './private-files.ts';

export interface Passwords {
  superuser: string;
  roles: Record<string, string>;
}

function newPassword(): string {
  return randomBytes(24).toString('hex');
}

/** Passwords of the embedded PostgreSQL and of every service's roles, made on the first start. */
export async function databasePasswords(layout: DataLayout): Promise<Passwords> {
  const found = await readOrMake<Passwords>(layout.passwordsFile, () => ({ superuser: newPassword(), roles: {} }));
  if (addPasswords(found.roles)) await writePrivate(layout.passwordsFile, `${JSON.stringify(found, null, 2)}\n`);
  return found;
}

/** Gives passwords to the roles that have none; whether there were any. */
export function addPasswords(roles: Record<string, string>): boolean {
  const missing = allRoles.filter((role) => !(role in roles));
  for (const role of missing) roles[role] = newPassword();
  return missing.length > 0;
}

/** Keys of a NATS, kept in a file. A service that came with an update gets its own beside those that are there. */
export async function natsKeys(path: string): Promise<NatsKeys> {
  const found = await readJson<NatsKeys>(path);
  const made = newNatsKeys();
  const keys = found
    ? { ...made, ...found, signers: { ...made.signers, ...found.signers }, users: { ...made.users, ...found.users } }
    : made;
  if (JSON.stringify(keys) !== JSON.stringify(found)) await writePrivate(path, `${JSON.stringify(keys, null, 2)}\n`);
  return keys;
}

/** The administrator's key: the preset one, else the one that is kept, else a new one. `isNew` when nobody has seen it yet. */
export async function adminKey(layout: DataLayout, preset: string): Promise<{ key: string; isNew: boolean }> {
  const kept = (await readFile(layout.adminKeyFile, 'utf8').catch(() => '')).trim();
  if (preset) {
    if (preset !== kept) await writePrivate(layout.adminKeyFile, `${preset}\n`);
    return { key: preset, isNew: false };
  }
  if (kept) return { key: kept, isNew: false };
  const key = `sbx_${randomBytes(32).toString('hex')}`;
  await writePrivate(layout.adminKeyFile, `${key}\n`);
  return { key, isNew: true };
}
