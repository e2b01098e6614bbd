import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { makeMasterKey, readMasterKey } from './master-key-file.ts';
import { MasterKey } from './master-key.ts';

describe('what is sealed', () => {
  const key = MasterKey.random();

  test('opens under its name alone, with its key alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (plain, name) => {
        const sealed = key.seal(name, plain);
        expect(new Uint8Array(key.open(name, sealed))).toEqual(plain);
        expect(() => key.open(`${name}.`, sealed)).toThrow();
        expect(() => MasterKey.random().open(name, sealed)).toThrow();
      }),
    );
  });

  test('does not open once a single bit was changed', () => {
    const sealed = key.seal('name', Buffer.from('secret'));
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed);
      altered[at]! ^= 1;
      expect(() => key.open('name', altered)).toThrow();
    }
    expect(() => key.open('name', sealed.subarray(0, 20))).toThrow();
  });

  test('is never sealed twice alike', () => {
    expect(key.seal('n', Buffer.from('x')).equals(key.seal('n', Buffer.from('x')))).toBe(false);
  });
});

describe('the file of the master key', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sb-master-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('is made for its owner alone, and read again', async () => {
    const path = join(folder, 'deeper', 'master.key');
    expect(await readMasterKey(path)).toBeNull();
    const made = await makeMasterKey(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readMasterKey(path))?.id).toBe(made.id);
    expect(await readdir(join(folder, 'deeper'))).toEqual(['master.key']);
    expect(await readFile(path, 'utf8')).not.toContain(made.id);
  });

  test('made by several at once is one key', async () => {
    const path = join(folder, 'master.key');
    const made = await Promise.all(Array.from({ length: 5 }, () => makeMasterKey(path)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await readdir(folder)).toEqual(['master.key']);
  });

  test.each([0o644, 0o604, 0o660, 0o777])('with mode %o is refused', async (mode) => {
    const path = join(folder, 'master.key');
    await makeMasterKey(path);
    await chmod(path, mode);
    await expect(readMasterKey(path)).rejects.toThrow(/others may read it/);
  });

  test('readable by its group, as an orchestrator mounts it, is taken', async () => {
    const path = join(folder, 'master.key');
    const { id } = await makeMasterKey(path);
    await chmod(path, 0o440);
    expect((await readMasterKey(path))?.id).toBe(id);
  });

  test('that holds no key is named', async () => {
    const path = join(folder, 'master.key');
    for (const text of ['', 'short', Buffer.alloc(33).toString('base64')]) {
      await writeFile(path, text, { mode: 0o600 });
      await expect(readMasterKey(path)).rejects.toThrow(/does not hold a master key/);
    }
    await expect(readMasterKey(join(path, 'below-a-file'))).rejects.toThrow();
  });
});
