import { afterAll, beforeAll, expect } from '@jest/globals';
import { owningServices, roleKinds, roleOf, schemaOf } from '@signalbox/stack/database/services.js';
import { withClient } from '@signalbox/stack/database/connect.js';
import { testCase } from '../cases/case.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

let two: TwoWorkspaces;

beforeAll(async () => {
  two = await TwoWorkspaces.start();
});
afterAll(() => two?.[Symbol.asyncDispose]());

/** What PostgreSQL says to each statement, by a role: `null` where it did it. Each in a transaction that is rolled back. */
async function refusals(role: string, statements: string[], workspace?: string): Promise<(string | null)[]> {
  return withClient(await two.databaseUrl(role), async (client) => {
    const said: (string | null)[] = [];
    for (const statement of statements) {
      await client.query('BEGIN');
      if (workspace) await client.query(`SET LOCAL sb.workspace = '${workspace}'`);
      said.push(
        await client.query(statement).then(
          () => null,
          (error: Error) => error.message,
        ),
      );
      await client.query('ROLLBACK');
    }
    return said;
  });
}

async function tablesOf(schema: string): Promise<string[]> {
  const rows = await two.sql<{ name: string }>(
    'superuser',
    `SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

testCase('A08', "each of the eighteen roles on every other service's tables", async (happened) => {
  let tried = 0;
  for (const service of owningServices) {
    const foreign = owningServices.filter((name) => name !== service);
    const statements: string[] = [];
    for (const other of foreign)
      for (const table of await tablesOf(schemaOf(other))) statements.push(`SELECT 1 FROM ${schemaOf(other)}.${table} LIMIT 1`);
    statements.push(
      ...foreign.map((other) => `SET ROLE ${schemaOf(other)}_system`),
      'CREATE ROLE intruder SUPERUSER',
      'SELECT * FROM pg_authid',
      "SELECT pg_read_file('/etc/passwd')",
    );
    for (const kind of roleKinds) {
      const said = await refusals(roleOf(service, kind), statements);
      const done = statements.filter((_, index) => !/permission denied/.test(said[index] ?? ''));
      expect([roleOf(service, kind), done]).toEqual([roleOf(service, kind), []]);
      tried += statements.length;
    }
  }
  happened(`${tried} statements over 18 roles: permission denied`);
});

testCase('A08', 'no role of a running service changes the audit, its outbox or the journal', async (happened) => {
  const workspace = await two.workspaceOf(two.theirs.key);
  const kept: [service: 'security' | 'execution', tables: string[]][] = [
    ['security', ['audit_entry']],
    ['execution', ['journal', 'blob']],
  ];
  let tried = 0;
  for (const [service, tables] of kept) {
    for (const table of tables) {
      const statements = [
        `UPDATE ${table} SET workspace = workspace`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table}`,
        `DROP TABLE ${table}`,
        `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`,
        `ALTER TABLE ${table} RENAME TO gone`,
        `CREATE TRIGGER t BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
      ];
      for (const kind of ['request', 'system'] as const) {
        const said = await refusals(roleOf(service, kind), statements, workspace);
        expect([table, kind, statements.filter((_, index) => !/permission denied|must be owner/.test(said[index] ?? ''))]).toEqual([
          table,
          kind,
          [],
        ]);
        tried += statements.length;
      }
    }
    expect(Number((await two.sql<{ n: string }>('superuser', `SELECT count(*) AS n FROM ${service}.${tables[0]}`))[0]!.n)).toBeGreaterThan(
      0,
    );
  }
  for (const service of owningServices) {
    const statements = ['UPDATE outbox SET subject = subject', 'DELETE FROM outbox', 'TRUNCATE outbox'];
    const said = await refusals(roleOf(service, 'request'), statements, workspace);
    expect([service, said.filter((sentence) => !/permission denied/.test(sentence ?? ''))]).toEqual([service, []]);
    tried += statements.length;
  }
  happened(`${tried} statements: permission denied`);
});

testCase('A09', 'without the setting, or after the transaction that set it, no role of requests sees a row', async (happened) => {
  const workspace = await two.workspaceOf(two.theirs.key);
  let tables = 0;
  let seen = 0;
  for (const service of owningServices) {
    const rows = await two.sql<{ name: string; walled: boolean }>(
      'superuser',
      `SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS walled FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
       WHERE c.relnamespace = $1::regnamespace AND a.attname = 'workspace' AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
      [schemaOf(service)],
    );
    expect([service, rows.filter(({ walled }) => !walled)]).toEqual([service, []]);
    await withClient(await two.databaseUrl(roleOf(service, 'request')), async (client) => {
      for (const { name } of rows) {
        const count = async (): Promise<number | null> =>
          client.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`).then(
            ({ rows: found }) => Number(found[0]!.n),
            () => null, // the role may not read it at all
          );
        expectNone(`${service}.${name} unset`, await count());
        for (const wrong of ['', 'x', '00000000-0000-0000-0000-000000000000', '*']) {
          await client.query('BEGIN');
          await client.query(`SELECT set_config('sb.workspace', $1, true)`, [wrong]);
          expectNone(`${service}.${name} with ${JSON.stringify(wrong)}`, await count());
          await client.query('ROLLBACK');
        }
        await client.query('BEGIN');
        await client.query(`SET LOCAL sb.workspace = '${workspace}'`);
        seen += (await count()) ?? 0;
        await client.query('COMMIT').catch(() => client.query('ROLLBACK'));
        expectNone(`${service}.${name} on the connection that had it`, await count());
        tables++;
      }
    });
  }
  expect(seen).toBeGreaterThan(10);
  happened(`${tables} tables, ${seen} rows in the workspace: none before, none with 4 wrong settings, none after`);
});

function expectNone(what: string, count: number | null): void {
  expect([what, count ?? 0]).toEqual([what, 0]);
}
