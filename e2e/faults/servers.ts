import { withClient } from '@signalbox/stack/database/connect.js';
import { owningServices, schemaOf } from '@signalbox/stack/database/services.js';
import type { StackUnderTest } from '../stack-under-test.ts';

type Work<T> = Parameters<typeof withClient<T>>[1];

/** Works on the stack's own PostgreSQL as its superuser: what an operator could do, and no service. */
export async function asSuperuser<T>(stack: StackUnderTest, work: Work<T>): Promise<T> {
  return withClient(await stack.databaseUrl('superuser'), work);
}

/** Events that were written with their changes and that nobody has published yet. */
export async function unpublished(stack: StackUnderTest): Promise<number> {
  return asSuperuser(stack, unpublishedIn);
}

/** The same on any database of Signalbox. */
export const unpublishedIn: Work<number> = async (client) => {
  const counts = owningServices.map((service) => `SELECT count(*)::int AS n FROM ${schemaOf(service)}.outbox WHERE published_at IS NULL`);
  const { rows } = await client.query<{ n: number }>(counts.join(' UNION ALL '));
  return rows.reduce((sum, { n }) => sum + n, 0);
};
