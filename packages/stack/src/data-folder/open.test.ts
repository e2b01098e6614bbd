import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyDataFolder, isDataFolder, openDataFolder } from './open.ts';
import { adminKey, databasePasswords, natsKeys } from './secrets.ts';
import { readJson, writePrivate } from './private-files.ts';

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'signalbox-folder-'));
  await chmod(work, 0o755);
});
afterEach(() => rm(work, { recursive: true, force: true }));

test('a folder is made once and opened again, and is closed to others', async () => {
  const root = join(work, 'data');
  expect(await isDataFolder(root)).toBe(false);
  expect((await openDataFolder(root, '0.1.0')).isNew).toBe(true);
  const again = await openDataFolder(root, '0.1.0');
  expect(again.isNew).toBe(false);
  expect(await isDataFolder(root)).toBe(true);
  expect((await stat(root)).mode & 0o066).toBe(0); // nobody else lists it or writes to it
});

test('a disk that is nearly full is named with what is free and what is needed', async () => {
  await expect(openDataFolder(join(work, 'data'), '0.1.0', { freeMinBytes: 2 ** 60 })).rejects.toMatchObject({
    detail: expect.stringMatching(/nearly full: \d+ MB are free, 1099511627776 MB are needed/),
    next: expect.stringContaining('--data DIR'),
  });
});

test('a file in the place of the folder is named', async () => {
  await writeFile(join(work, 'file'), '');
  await expect(openDataFolder(join(work, 'file'), '0.1.0')).rejects.toMatchObject({ detail: expect.stringContaining('ENOTDIR') });
});

test('below a folder that PostgreSQL’s account cannot enter, its data goes elsewhere and is removed with the rest', async () => {
  const closed = join(work, 'closed');
  await mkdir(closed, { mode: 0o700 });
  const root = join(closed, 'data');
  const folder = await openDataFolder(root, '0.1.0');
  if (process.getuid?.() !== 0) {
    expect(folder.postgres).toBe(join(root, 'postgres')); // it runs as we do
    return;
  }
  const { id } = (await readJson<{ id: string }>(folder.versionFile))!;
  expect(folder.postgres).toBe(`/var/lib/signalbox/${id}/postgres`);
  await mkdir(folder.postgres);
  await emptyDataFolder(root);
  await expect(stat(folder.postgres)).rejects.toThrow('ENOENT');
});

test('emptying keeps fetched programs, and never touches a folder of somebody else', async () => {
  const root = join(work, 'data');
  const folder = await openDataFolder(root, '0.1.0');
  await writeFile(join(folder.bin, 'nats-server'), '');
  await emptyDataFolder(root);
  expect(await readdir(root)).toEqual(['bin']);
  await emptyDataFolder(root);
  await mkdir(join(work, 'other'));
  await writeFile(join(work, 'other', 'thesis.txt'), '');
  await expect(emptyDataFolder(join(work, 'other'))).rejects.toMatchObject({ detail: expect.stringContaining('is no data folder') });
});

test('secrets are made once; a service that came with an update gets its own', async () => {
  const folder = await openDataFolder(join(work, 'data'), '0.1.0');
  const passwords = await databasePasswords(folder);
  expect(Object.keys(passwords.roles)).toContain('mcp_server_system');
  expect(await databasePasswords(folder)).toEqual(passwords);
  const { context_owner: dropped, ...roles } = passwords.roles;
  await writePrivate(folder.passwordsFile, JSON.stringify({ ...passwords, roles }));
  const more = await databasePasswords(folder);
  expect(more.roles).toMatchObject(roles);
  expect(more.roles.context_owner).not.toBe(dropped);

  const keys = await natsKeys(folder.natsKeysFile);
  expect(await natsKeys(folder.natsKeysFile)).toEqual(keys);
  const { security: gone, ...users } = keys.users;
  await writePrivate(folder.natsKeysFile, JSON.stringify({ ...keys, users }));
  const moreKeys = await natsKeys(folder.natsKeysFile);
  expect(moreKeys.users).toMatchObject(users);
  expect(moreKeys.users.security).not.toBe(gone);
});

test('the administrator’s key is made once, and a preset one replaces it', async () => {
  const folder = await openDataFolder(join(work, 'data'), '0.1.0');
  const made = await adminKey(folder, '');
  expect(made).toEqual({ key: expect.stringMatching(/^sbx_[0-9a-f]{64}$/), isNew: true });
  expect(await adminKey(folder, '')).toEqual({ key: made.key, isNew: false });
  expect(await adminKey(folder, 'sbx_a-preset-key-0123456789')).toEqual({ key: 'sbx_a-preset-key-0123456789', isNew: false });
  expect(await adminKey(folder, '')).toEqual({ key: 'sbx_a-preset-key-0123456789', isNew: false });
});
