import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueryResultRow } from 'pg';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { createWorkspace } from '@signalbox/shared/contracts/security/create-workspace.js';
import { findSecret } from '@signalbox/shared/contracts/security/find-secret.js';
import { listSecrets } from '@signalbox/shared/contracts/security/list-secrets.js';
import { removeSecret } from '@signalbox/shared/contracts/security/remove-secret.js';
import { resolveSecret } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { rotateDataKey } from '@signalbox/shared/contracts/security/rotate-data-key.js';
import { secretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { setSecret } from '@signalbox/shared/contracts/security/set-secret.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { MasterKey } from '../src/sealing/master-key.ts';
import { readMasterKey } from '../src/sealing/master-key-file.ts';
import { unlock } from '../src/sealing/unlock.ts';
import { SecurityUnderTest } from './security-under-test.ts';

const canary = 'canary-7f3a9d\n"quoted" \\ and ünïcode';

let security: SecurityUnderTest;
let gateway: Bus;
let admin: Caller;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
  gateway = await security.as('api-gateway');
  admin = await security.caller();
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

const set = (name: string, value = canary, by = admin) => gateway.request(setSecret, { name, value }, by);
const sql = <Row extends QueryResultRow = QueryResultRow>(text: string) => security.service.database.sql<Row>(text);

/** Reads a value as a service does that acts for the caller. */
async function read(name: string, by = admin, service: 'mcp-server' | 'protocol' | 'registry' = 'protocol'): Promise<string> {
  const bus = await security.as(service);
  const identity = await by.tokenFor(service);
  return (await bus.request(resolveSecret, { identity, name }, 'service')).value;
}

describe('a secret', () => {
  test('is read by the services that need it, in the words that were set', async () => {
    expect(await set('plain')).toEqual({
      name: 'plain',
      description: '',
      version: 1,
      createdAt: expect.any(String),
      createdBy: admin.principal,
      updatedAt: expect.any(String),
      updatedBy: admin.principal,
      lastUsedAt: null,
    });
    for (const service of ['mcp-server', 'protocol', 'registry'] as const) expect(await read('plain', admin, service)).toBe(canary);
    const { data } = await gateway.request(listSecrets, { q: 'plain' }, admin);
    expect(data[0]!.lastUsedAt).not.toBeNull();
  });

  test('is found by the registry without its value, and that is no use', async () => {
    await set('looked-for');
    const registry = await security.as('registry');
    const identity = await admin.tokenFor('registry');
    await expect(registry.request(findSecret, { identity, name: 'looked-for' }, 'service')).resolves.toEqual({ version: 1 });
    await expect(registry.request(findSecret, { identity, name: 'nobody-set' }, 'service')).resolves.toEqual({ version: null });
    const { data } = await gateway.request(listSecrets, { q: 'looked-for' }, admin);
    expect(data[0]!.lastUsedAt).toBeNull();
    await expect(gateway.request(findSecret, { identity, name: 'looked-for' }, 'service', { timeoutMs: 500 })).rejects.toThrow();
  });

  test('that is set again has another version, and the same again changes nothing', async () => {
    await set('again', 'first value');
    const before = await set('again', 'second value');
    expect(before.version).toBe(2);
    expect(await set('again', 'second value')).toEqual(before);
    expect(await read('again')).toBe('second value');
    const described = await gateway.request(setSecret, { name: 'again', value: 'second value', description: 'for tests' }, admin);
    expect(described).toMatchObject({ version: 2, description: 'for tests' });
    expect(await set('again', 'third value')).toMatchObject({ version: 3, description: 'for tests' });
    const entries = (await security.audit({ action: 'secret.set' }, 5)).filter(({ target }) => target === 'secret again');
    expect(entries.map(({ detail }) => detail)).toEqual([{ version: 3 }, { version: 2 }, { version: 2 }, { version: 1 }]);
  });

  test('that is removed is unknown from then on', async () => {
    await set('gone');
    expect(await gateway.request(removeSecret, { name: 'gone' }, admin)).toEqual({ name: 'gone' });
    await expect(read('gone')).rejects.toMatchObject({ code: 'not_found', next: 'Set it: signalbox secrets set gone.' });
    await expect(gateway.request(removeSecret, { name: 'gone' }, admin)).rejects.toMatchObject({ code: 'not_found' });
    expect(await set('gone')).toMatchObject({ version: 1 });
  });

  test('changes are told to those who use it, without the value', async () => {
    const events = await security.service.record(secretChanged);
    await set('told', 'one value');
    await set('told', 'another value');
    await gateway.request(removeSecret, { name: 'told' }, admin);
    await events.next(({ change }) => change === 'removed');
    events.stop();
    expect(events.heard.map(({ payload }) => payload)).toEqual([
      { name: 'told', version: 1, change: 'set' },
      { name: 'told', version: 2, change: 'set' },
      { name: 'told', version: 2, change: 'removed' },
    ]);
  });

  test.each([
    ['too short', 'seven77', '/value'],
    ['with a NUL', 'nul\0nulnul', '/value'],
    ['too large', 'x'.repeat(64 * 1024 + 1), '/value'],
    ['too large in UTF-8', 'ü'.repeat(40_000), '/value'],
    ['that is no text', 'lone \ud800 surrogate', '/value'],
  ])('is refused %s, without being repeated', async (_, value, pointer) => {
    const refusal = await set('refused', value).then(
      () => null,
      (fault: unknown) => fault,
    );
    expect(refusal).toMatchObject({ code: 'invalid', errors: [{ pointer }] });
    expect(JSON.stringify(refusal)).not.toContain(value);
  });

  test.each(['UPPER', 'a.b', '-a', '', 'a'.repeat(64)])('named %j is refused', async (name) => {
    await expect(set(name)).rejects.toMatchObject({ code: 'invalid', errors: [{ pointer: '/name' }] });
  });

  test('of the largest size travels both ways', async () => {
    const largest = '\u0001'.repeat(64 * 1024);
    await set('largest', largest);
    expect(await read('largest')).toBe(largest);
  });
});

describe('who may what (A03)', () => {
  test('only administrators list and set, and narrowed keys only what they are for', async () => {
    for (const role of ['operator', 'viewer', 'agent'] as const) {
      const { caller } = await security.user(`secrets-${role}`, [role]);
      await expect(gateway.request(listSecrets, {}, caller)).rejects.toMatchObject({ code: 'forbidden' });
      await expect(set('theirs', canary, caller)).rejects.toMatchObject({ code: 'forbidden' });
      await expect(gateway.request(removeSecret, { name: 'plain' }, caller)).rejects.toMatchObject({ code: 'forbidden' });
      await expect(gateway.request(rotateDataKey, {}, caller)).rejects.toMatchObject({ code: 'forbidden' });
    }
    const { key } = await security.key({ scopes: ['secrets:read'] });
    const reader = await security.caller(key);
    await expect(gateway.request(listSecrets, {}, reader)).resolves.toBeDefined();
    await expect(set('theirs', canary, reader)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('nobody reads a value through the gateway, whatever its key may', async () => {
    const identity = await admin.tokenFor('api-gateway');
    await expect(gateway.request(resolveSecret, { identity, name: 'plain' }, 'service', { timeoutMs: 500 })).rejects.toThrow();
    const execution = await security.as('execution');
    await expect(execution.request(resolveSecret, { identity, name: 'plain' }, 'service', { timeoutMs: 500 })).rejects.toThrow();
  });

  test('an identity opens secrets for the service that it was made for, and no other text does', async () => {
    const protocol = await security.as('protocol');
    const foreign = await admin.tokenFor('registry');
    for (const identity of [foreign, '', 'e30.e30.e30', canary]) {
      await expect(protocol.request(resolveSecret, { identity, name: 'plain' }, 'service')).rejects.toMatchObject({
        code: 'unauthenticated',
      });
    }
  });

  test('a service reads them by a grant, as long as that lasts', async () => {
    const bus = await security.as('mcp-server');
    const token = await admin.tokenFor('mcp-server');
    const caller = { ...admin, tokenFor: async (audience: string) => (audience === 'security' ? exchange(token) : token) } as Caller;
    const exchange = async (given: string) => (await bus.broker.callerOfCredential('token', given)).caller.tokenFor('security');
    const { grant } = await bus.request(createGrant, { purpose: 'a test' }, caller);
    expect(await read('plain', await bus.as(grant), 'mcp-server')).toBe(canary);
  });

  test('another workspace has secrets of its own, with the same names', async () => {
    const { key } = await gateway.request(createWorkspace, { name: 'elsewhere' }, admin);
    const other = await security.caller(key.key);
    await expect(read('plain', other)).rejects.toMatchObject({ code: 'not_found' });
    await set('plain', 'of the other workspace', other);
    expect(await read('plain', other)).toBe('of the other workspace');
    expect(await read('plain')).toBe(canary);
    expect((await gateway.request(listSecrets, {}, other)).data.map(({ name }) => name)).toEqual(['plain']);
  });
});

test('pages of the list follow each other by name', async () => {
  const names: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page: { data: { name: string }[]; nextCursor: string | null } = await gateway.request(
      listSecrets,
      { limit: 2, ...(cursor && { cursor }) },
      admin,
    );
    names.push(...page.data.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor);
  const rows = await sql<{ name: string }>(`SELECT name FROM secret WHERE workspace = '${admin.workspace}' ORDER BY name`);
  expect(names).toEqual(rows.map(({ name }) => name));
});

describe('what is kept', () => {
  test('is the value in no table, audit record or event, in no form', async () => {
    await set('hidden', 'hidden-canary-55aa');
    await security.audit({ action: 'secret.set' }, 5);
    for (const table of ['secret', 'data_key', 'outbox', 'audit_entry', 'sealed_value']) {
      const [row] = await sql<{ all: string | null }>(`SELECT string_agg(t::text, ' ') AS all FROM ${table} t`);
      for (const form of [
        'hidden-canary-55aa',
        Buffer.from('hidden-canary-55aa').toString('hex'),
        Buffer.from('hidden-canary-55aa').toString('base64'),
      ])
        expect([table, row!.all?.includes(form)]).toEqual([table, false]);
    }
  });

  test('does not open when it is moved to another secret, version or workspace', async () => {
    await set('moved', 'the value that is moved');
    const other = await security.caller((await gateway.request(createWorkspace, { name: 'moved' }, admin)).key.key);
    await set('moved', 'the value of the other workspace', other);
    const mine = `(SELECT id FROM secret WHERE name = 'moved' AND workspace = '${admin.workspace}')`;

    await sql(`UPDATE secret SET version = 7 WHERE id = ${mine}`);
    await expect(read('moved')).rejects.toMatchObject({ code: 'internal' });
    await sql(`UPDATE secret SET version = 1 WHERE id = ${mine}`);
    expect(await read('moved')).toBe('the value that is moved');

    await sql(`UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE id = ${mine}) WHERE name = 'hidden'`);
    await expect(read('hidden')).rejects.toMatchObject({ code: 'internal' });
    await gateway.request(removeSecret, { name: 'hidden' }, admin);

    // Its value alone, then with the data key that opens it.
    const theirs = `workspace = '${other.workspace}'`;
    const [{ sealed: key }] = (await sql<{ sealed: string }>(`SELECT encode(sealed, 'hex') AS sealed FROM data_key WHERE ${theirs}`)) as [
      { sealed: string },
    ];
    await sql(`UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE id = ${mine}) WHERE ${theirs}`);
    await expect(read('moved', other)).rejects.toMatchObject({ code: 'internal' });
    await sql(`UPDATE data_key SET sealed = (SELECT sealed FROM data_key WHERE workspace = '${admin.workspace}') WHERE ${theirs}`);
    await expect(read('moved', other)).rejects.toMatchObject({ code: 'internal' });
    await sql(`UPDATE data_key SET sealed = '\\x${key}' WHERE ${theirs}`);
    await gateway.request(removeSecret, { name: 'moved' }, other);
  });
});

describe('a new data key', () => {
  test('seals everything anew and changes no value', async () => {
    const before = await sql<{ name: string; sealed: Buffer }>(
      `SELECT name, sealed FROM secret WHERE workspace = '${admin.workspace}' ORDER BY name`,
    );
    const { version, secrets } = await gateway.request(rotateDataKey, {}, admin);
    expect(secrets).toBe(before.length);
    const after = await sql<{ name: string; sealed: Buffer; data_key: number }>(
      `SELECT name, sealed, data_key FROM secret WHERE workspace = '${admin.workspace}' ORDER BY name`,
    );
    expect(after.every(({ sealed, data_key }, index) => data_key === version && !sealed.equals(before[index]!.sealed))).toBe(true);
    expect(await sql(`SELECT version FROM data_key WHERE workspace = '${admin.workspace}'`)).toEqual([{ version }]);
    expect(await read('plain')).toBe(canary);
    expect(await set('plain')).toMatchObject({ version: 1 });
  });

  test('made by several while others write loses nothing', async () => {
    const writes = Array.from({ length: 6 }, (_, index) => set(`busy-${index}`, `a busy value ${index}`));
    const turns = Array.from({ length: 3 }, () => gateway.request(rotateDataKey, {}, admin));
    await Promise.all([...writes, ...turns]);
    for (let index = 0; index < 6; index++) expect(await read(`busy-${index}`)).toBe(`a busy value ${index}`);
    expect(await sql(`SELECT 1 FROM data_key WHERE workspace = '${admin.workspace}'`)).toHaveLength(1);
  });
});

describe('a new master key', () => {
  test('in the first line seals everything anew at the next start; then the older one can go', async () => {
    const path = join(security.folder, 'master.key');
    const before = (await readMasterKey(path))!;
    const after = MasterKey.random();
    await writeFile(path, `${after.toText()}${before.toText()}`);
    await security.restart();
    const ids = await sql<{ master_key: string }>(
      `SELECT master_key FROM sealed_value UNION SELECT master_key FROM signing_key UNION SELECT master_key FROM data_key`,
    );
    expect(ids).toEqual([{ master_key: after.id }]);
    expect(await read('plain')).toBe(canary);
    await writeFile(path, after.toText());
    await security.restart();
    expect(await read('plain')).toBe(canary);
    await expect(security.caller()).resolves.toMatchObject({ principal: admin.principal });
  });

  test('that is the wrong one is refused with the id of the right one, which opens everything again (F40)', async () => {
    const path = join(security.folder, 'master.key');
    const right = (await readMasterKey(path))!;
    const system = security.service.app.get(SystemDatabase);
    const wrong = MasterKey.random();
    await writeFile(path, wrong.toText());
    await expect(unlock(path, system)).rejects.toThrow(
      `is ${wrong.id}, but the database is sealed with ${right.id}: put the right one there`,
    );
    await writeFile(path, right.toText());
    await security.restart();
    expect(await read('plain')).toBe(canary);
  });
});
