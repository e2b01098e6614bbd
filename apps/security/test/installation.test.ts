import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { createSession } from '@signalbox/shared/contracts/security/create-session.js';
import { getSigningKeys } from '@signalbox/shared/contracts/security/get-signing-keys.js';
import { issueIdentity } from '@signalbox/shared/contracts/security/issue-identity.js';
import { listKeys } from '@signalbox/shared/contracts/security/list-keys.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { Housekeeping } from '../src/installation/housekeeping.ts';
import { AdminKeyImport } from '../src/installation/import-admin-key.ts';
import { SecurityConfig } from '../src/security.config.ts';
import { MasterKey } from '../src/sealing/master-key.ts';
import { unlock } from '../src/sealing/unlock.ts';
import { KeyRing } from '../src/signing/key-ring.ts';
import { SigningKeyStore } from '../src/signing/signing-key.store.ts';
import { periodMs, periodOf } from '../src/signing/signing-period.ts';
import { adminKey, SecurityUnderTest } from './security-under-test.ts';

let security: SecurityUnderTest;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

const trade = async (key: string) =>
  (await security.as('api-gateway')).request(issueIdentity, { kind: 'key', credential: key, audience: 'registry' }, 'service');

test('what has ended long ago is dropped, the audit never', async () => {
  const { database } = security.service;
  const gateway = await security.as('api-gateway');
  await gateway.request(createSession, { key: adminKey }, 'service');
  await security.audit({}, 3);
  await database.sql(`UPDATE browser_session SET ended_at = now() - interval '8 days'`);
  await database.sql(`INSERT INTO revocation (workspace, id, at) SELECT id, 'key_old', now() - interval '2 hours' FROM workspace`);
  const [before] = await database.sql<{ count: string }>('SELECT count(*) FROM audit_entry');
  await security.service.app.get(Housekeeping).work();
  expect(await database.sql('SELECT 1 FROM browser_session')).toEqual([]);
  expect(await database.sql(`SELECT 1 FROM revocation WHERE id = 'key_old'`)).toEqual([]);
  expect(await database.sql('SELECT count(*) FROM audit_entry')).toEqual([before]);
});

test('the first start without a key says what is missing', async () => {
  await security.service.database.sql(`UPDATE principal SET is_installation = false`);
  await expect(security.service.app.get(AdminKeyImport).run('')).rejects.toThrow(/set ADMIN_KEY/);
  await security.service.database.sql(`UPDATE principal SET is_installation = true`);
});

describe('the master key', () => {
  test('that is another one, missing or open to others keeps the service from starting (F40)', async () => {
    const path = join(security.folder, 'master.key');
    const text = await readFile(path, 'utf8');
    const system = security.service.app.get(SystemDatabase);
    await expect(unlock(path, system)).resolves.toBeInstanceOf(MasterKey);
    await chmod(path, 0o644);
    await expect(unlock(path, system)).rejects.toThrow(/others may read it/);
    await rm(path);
    await expect(unlock(path, system)).rejects.toThrow(/is missing/);
    await writeFile(path, MasterKey.random().toText(), { mode: 0o600 });
    await expect(unlock(path, system)).rejects.toThrow(/put the right one there/);
    await writeFile(path, text);
    await expect(unlock(path, system)).resolves.toBeInstanceOf(MasterKey);
  });

  test('opens what it sealed after a restart: identities of before are verified, keys go on', async () => {
    const { keys } = await (await security.as('registry')).request(getSigningKeys, {}, 'service');
    await security.restart();
    expect((await (await security.as('registry')).request(getSigningKeys, {}, 'service')).keys).toEqual(keys);
  });

  test('is in no table, nor is a private key', async () => {
    const [row] = await security.service.database.sql<{ all: string }>(`SELECT string_agg(s::text, ' ') AS all FROM signing_key s`);
    expect(row!.all).not.toContain('"d"');
  });
});

describe('the key of the administrator', () => {
  test('is taken at the first start into the workspace default, and again and again changes nothing', async () => {
    const before = await trade(adminKey);
    await security.restart();
    expect(await trade(adminKey)).toMatchObject({
      workspace: before.workspace,
      principal: before.principal,
      credentialId: before.credentialId,
    });
    expect(await security.service.database.sql(`SELECT name FROM workspace`)).toEqual([{ name: 'default' }]);
    const [row] = await security.service.database.sql<{ hash: Buffer }>(`SELECT hash FROM api_key`);
    expect(row!.hash).toHaveLength(32);
  });

  test('is replaced by a restart with another one, its sessions too', async () => {
    const gateway = await security.as('api-gateway');
    const { session } = await gateway.request(createSession, { key: adminKey }, 'service');
    const next = 'sbx_test_next_administrator_key';
    await security.restart({ ADMIN_KEY: next });
    await expect(trade(adminKey)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(
      gateway.request(issueIdentity, { kind: 'session', credential: session, audience: 'registry' }, 'service'),
    ).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(trade(next)).resolves.toMatchObject({ name: 'admin', roles: ['admin'] });
    const { data } = await gateway.request(listKeys, {}, await security.caller(next));
    expect(data.map(({ revokedAt }) => revokedAt !== null)).toEqual([false, true]);
    await security.restart({ ADMIN_KEY: '' });
    await expect(trade(next)).resolves.toBeDefined();
  });

  test('that was revoked does not come back by a restart', async () => {
    const key = 'sbx_test_administrator_key_leaked';
    await security.restart({ ADMIN_KEY: key });
    const admin = await security.caller(key);
    await (await security.as('api-gateway')).request(revokeKey, { id: admin.credentialId! }, admin);
    await security.restart();
    await expect(trade(key)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test.each([
    ['too-short', 'sbx_short'],
    ['not-ours', 'x'.repeat(30)],
    ['blanks', `sbx_${' '.repeat(30)}`],
  ])('is refused when %s', (_, key) => {
    expect(() => loadConfig(SecurityConfig, { ADMIN_KEY: key })).toThrow(/ADMIN_KEY/);
  });
});

describe('signing keys', () => {
  let clock = periodOf(Date.now()) * periodMs + periodMs / 2;
  const masterKey = MasterKey.random();
  const ring = () => new KeyRing(new SigningKeyStore(security.service.app.get(SystemDatabase)), masterKey, () => clock);
  const claims = { sub: 'user_1', iat: 0, exp: 1 };
  const kids = (of: KeyRing) => of.publicKeys().map(({ kid }) => kid);

  beforeEach(async () => {
    clock = (periodOf(Date.now()) + 10) * periodMs + periodMs / 2;
    await security.service.database.sql('DELETE FROM signing_key');
  });

  test('turn daily: the next is there before it signs, the last one after', async () => {
    const turning = ring();
    await turning.turn();
    const [first] = kids(turning);
    clock += periodMs / 2 - 60_000;
    await turning.turn();
    expect(kids(turning)).toHaveLength(2);
    expect(kids(turning)[1]).toBe(first);
    clock += 120_000;
    await turning.turn();
    expect(kids(turning)).toHaveLength(2);
    const token = await turning.sign(claims, 'registry');
    expect(JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString())).toMatchObject({ kid: kids(turning)[0] });
    clock += periodMs / 2;
    await turning.turn();
    expect(kids(turning)).toHaveLength(1);
    expect(kids(turning)).not.toContain(first);
  });

  test('are the same in every replica, also when all make them at once', async () => {
    const replicas = [ring(), ring(), ring()];
    await Promise.all(replicas.map((replica) => replica.turn()));
    expect(new Set(replicas.map((replica) => kids(replica).join())).size).toBe(1);
  });

  test('are made when they are needed although nobody turned them', async () => {
    const sleepy = ring();
    await expect(sleepy.sign(claims, 'registry')).resolves.toMatch(/^ey/);
    clock += 3 * periodMs;
    await expect(sleepy.sign(claims, 'registry')).resolves.toMatch(/^ey/);
  });
});
