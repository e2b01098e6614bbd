import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { Client } from 'pg';
import { createKey } from '@signalbox/shared/contracts/security/create-key.js';
import { createWorkspace } from '@signalbox/shared/contracts/security/create-workspace.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { SecurityUnderTest } from './security-under-test.ts';

let security: SecurityUnderTest;
let workspace: string;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
  const admin = await security.caller();
  ({ workspace } = admin);
  const gateway = await security.as('api-gateway');
  await gateway.request(createWorkspace, { name: 'beside' }, admin);
  await gateway.request(createKey, { name: 'k' }, admin);
  await security.audit({}, 3);
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

/** A query by one of the service's roles, in a transaction for a workspace or for none. */
async function as(role: 'request' | 'system' | 'owner', sql: string, inWorkspace?: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: security.service.database.url(role) });
  await client.connect();
  try {
    await client.query('BEGIN');
    if (inWorkspace !== undefined) await client.query(`SET LOCAL sb.workspace = '${inWorkspace}'`);
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

const tables = [
  'principal',
  'api_key',
  'browser_session',
  'access_grant',
  'revocation',
  'creation',
  'audit_entry',
  'audit_head',
  'data_key',
  'secret',
];

describe('row security (A09)', () => {
  test('without a workspace no role of requests sees a row, and in one only its own', async () => {
    for (const table of ['workspace', ...tables]) {
      expect([table, await as('request', `SELECT * FROM ${table}`)]).toEqual([table, []]);
      expect([table, await as('request', `SELECT * FROM ${table}`, '')]).toEqual([table, []]);
    }
    for (const table of ['principal', 'api_key', 'audit_entry']) {
      const rows = await as('request', `SELECT DISTINCT workspace FROM ${table}`, workspace);
      expect([table, rows]).toEqual([table, [{ workspace }]]);
    }
    expect((await as('request', 'SELECT id FROM workspace', workspace)).map(({ id }) => id)).toEqual([workspace]);
  });

  test('nothing is written into another workspace', async () => {
    await expect(
      as('request', `INSERT INTO revocation (workspace, id) VALUES ('018f0000-0000-7000-8000-00000000000f', 'key_x')`, workspace),
    ).rejects.toThrow(/row-level security/);
    expect(await as('request', `UPDATE principal SET roles = '{admin}' WHERE workspace <> '${workspace}' RETURNING id`, workspace)).toEqual(
      [],
    );
  });

  test('every table of workspaces is forced under it', async () => {
    const rows = await security.service.database.sql<{ relname: string; forced: boolean }>(
      `SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class c
       WHERE relnamespace = 'security'::regnamespace AND relkind = 'r'
         AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND attname = 'workspace' AND atttypid = 'uuid'::regtype)`,
    );
    expect(rows.map(({ relname }) => relname).sort()).toEqual([...tables].sort());
    expect(rows.every(({ forced }) => forced)).toBe(true);
  });
});

describe('rights of roles (A08)', () => {
  test.each([
    [`UPDATE audit_entry SET target = 'x'`],
    [`DELETE FROM audit_entry`],
    [`TRUNCATE audit_entry`],
    [`DROP TABLE audit_entry`],
    [`ALTER TABLE audit_entry DISABLE ROW LEVEL SECURITY`],
    [`DELETE FROM audit_head`],
    [`TRUNCATE api_key`],
  ])('neither requests nor background work may %s', async (sql) => {
    for (const role of ['request', 'system'] as const)
      await expect(as(role, sql, workspace)).rejects.toThrow(/permission denied|must be owner/);
  });

  test.each([
    [`INSERT INTO audit_entry SELECT * FROM audit_entry`],
    [`UPDATE audit_head SET seq = 0`],
    [`SELECT * FROM sealed_value`],
    [`SELECT * FROM signing_key`],
    [`UPDATE outbox SET published_at = now()`],
    [`DELETE FROM outbox`],
    [`DELETE FROM revocation`],
    [`SELECT * FROM schema_migration`],
  ])('requests may not %s', async (sql) => {
    await expect(as('request', sql, workspace)).rejects.toThrow(/permission denied/);
  });

  test('functions that look past the wall have fixed search paths and are run by one role each', async () => {
    const rows = await security.service.database.sql<{ proname: string; config: string | null; acl: string }>(
      `SELECT proname, array_to_string(proconfig, ',') AS config, array_to_string(proacl, ',') AS acl FROM pg_proc
       WHERE pronamespace = 'security'::regnamespace AND prosecdef`,
    );
    expect(rows.map(({ proname }) => proname).sort()).toEqual([
      'drop_published',
      'find_grant',
      'find_key',
      'find_session',
      'list_all_workspaces',
      'revocations_since',
    ]);
    for (const { proname, config, acl } of rows) {
      const role = proname === 'drop_published' ? 'security_system' : 'security'; // background work drops what was published long ago
      expect(config).toBe('search_path=security');
      expect([proname, acl.split(',').sort()]).toEqual([proname, [`${role}=X/security_owner`, 'security_owner=X/security_owner'].sort()]);
    }
  });

  test('a key is found by its exact hash and by nothing like it', async () => {
    expect(await as('request', `SELECT * FROM find_key('\\x00')`)).toEqual([]);
    expect(await as('request', `SELECT * FROM find_key(NULL)`)).toEqual([]);
  });
});

test('migrations go up, down and up again, and leave nothing behind', async () => {
  const folder = new URL('../src/migrations/', import.meta.url).pathname;
  const migrations = await loadMigrations(folder);
  expect(migrations).toHaveLength((await readdir(folder)).length);
  await using database = await TestDatabase.create('security');
  await database.migrate(migrations);
  const made = await objects(database);
  await database.rollBack(migrations);
  expect((await objects(database)).filter((name) => !name.startsWith('schema_migration'))).toEqual([]);
  await database.migrate(migrations);
  expect(await objects(database)).toEqual(made);
});

async function objects(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'security'::regnamespace
     UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'security'::regnamespace ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
