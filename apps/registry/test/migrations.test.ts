import { expect, test } from '@jest/globals';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';

test('migrations go up, down without a trace, and up again', async () => {
  const migrations = await loadMigrations('src/migrations');
  await using database = await TestDatabase.create('registry');
  const tables = async (): Promise<unknown[]> =>
    (
      await database.sql(
        `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'registry' AND table_name <> 'schema_migration' ORDER BY name`,
      )
    ).map(({ name }) => name);
  await database.migrate(migrations);
  const all = await tables();
  expect(all).toContain('notification');
  await database.rollBack(migrations);
  expect(await tables()).toEqual([]);
  await database.migrate(migrations);
  expect(await tables()).toEqual(all);
});
