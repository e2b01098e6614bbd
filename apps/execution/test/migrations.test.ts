import { expect, test } from '@jest/globals';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { resolve } from 'node:path';

test('the tables come, go and come again', async () => {
  const migrations = await loadMigrations(resolve('src/migrations'));
  await using database = await TestDatabase.create('execution');
  const tables = (): Promise<{ n: number }[]> =>
    database.sql(`SELECT count(*)::int AS n FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')`);
  await database.migrate(migrations);
  const [up] = await tables();
  expect(up?.n).toBeGreaterThan(30);
  const days = await database.sql<{ day: string }>(
    `SELECT to_char(d, 'YYYYMMDD') AS day FROM generate_series(current_date, current_date + 7, interval '1 day') d`,
  );
  for (const { day } of days) expect(await database.sql(`SELECT to_regclass('journal_${day}') AS found`)).not.toEqual([{ found: null }]);
  await database.rollBack(migrations);
  const [down] = await tables();
  expect(down?.n).toBeLessThanOrEqual(1);
  await database.migrate(migrations);
  expect(await tables()).toEqual([up]);
}, 60_000);
