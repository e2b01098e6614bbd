import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withClient } from '@signalbox/stack/database/connect.js';
import type { StackUnderTest } from '../stack-under-test.ts';

type Work<T> = Parameters<typeof withClient<T>>[1];

/** Works on the stack's own PostgreSQL as its superuser: what an operator could do, and no service. */
export async function asSuperuser<T>(stack: StackUnderTest, work: Work<T>): Promise<T> {
  const { superuser } = JSON.parse(await readFile(join(stack.data, 'passwords.json'), 'utf8')) as { superuser: string };
  return withClient(`postgres://signalbox_admin:${superuser}@127.0.0.1:${await postgresPort(stack)}/signalbox`, work);
}

/** The port is in the command line that the launcher noted. */
async function postgresPort(stack: StackUnderTest): Promise<string> {
  const noted = JSON.parse(await readFile(join(stack.data, 'processes.json'), 'utf8')) as { name: string; command: string }[];
  const port = /port=(\d+)/.exec(noted.find(({ name }) => name === 'PostgreSQL')?.command ?? '')?.[1];
  if (port === undefined) throw new Error('the stack has no PostgreSQL of its own');
  return port;
}

/** Rows of a table that services write and nobody publishes yet. */
export async function unpublished(stack: StackUnderTest): Promise<number> {
  return asSuperuser(stack, async (client) => {
    const { rows: schemas } = await client.query<{ name: string }>(
      `SELECT table_schema AS name FROM information_schema.tables WHERE table_name = 'outbox'`,
    );
    let count = 0;
    for (const { name } of schemas) {
      const { rows } = await client.query<{ n: number }>(
        `SELECT (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.outbox WHERE published_at IS NULL', $1::text), false, true, '')))[1]::text::int AS n`,
        [name],
      );
      count += rows[0]!.n;
    }
    return count;
  });
}
