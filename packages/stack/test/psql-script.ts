import { urlWith, withClient } from '../src/database/connect.ts';

/** Runs what `signalbox db init --print` printed, as psql would: statements, a conditional one, and then another database. */
export async function runPsqlScript(sql: string, adminUrl: string): Promise<void> {
  const [roles, rest] = sql.split(/^SELECT 'CREATE DATABASE/m) as [string, string];
  const [create, schemas] = rest.split(/\\connect "?\w+"?\n/) as [string, string];
  await withClient(adminUrl, async (client) => {
    await client.query(roles);
    const select = `SELECT 'CREATE DATABASE${create.replace('\\gexec', '')}`;
    const { rows } = await client.query<Record<string, string>>(select);
    for (const statement of rows.flatMap((row) => Object.values(row))) await client.query(statement);
  });
  const database = /datname = '(\w+)'/.exec(sql)![1]!;
  await withClient(urlWith(adminUrl, { database }), (client) => client.query(schemas));
}
