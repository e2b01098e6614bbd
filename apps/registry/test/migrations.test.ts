import { randomUUID } from 'node:crypto';
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

test('a version from before became current when it was applied, or when its rollout was promoted, or never', async () => {
  const migrations = await loadMigrations('src/migrations');
  await using database = await TestDatabase.create('registry');
  const added = migrations.findIndex(({ name }) => name.startsWith('0016-'));
  await database.migrate(migrations.slice(0, added));
  const [workspace, agent] = [randomUUID(), randomUUID()];
  const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`;
  for (const version of [1, 2, 3]) {
    await database.sql(
      `INSERT INTO agent_version (workspace, agent, version, hash, manifest, created_by, created_at) VALUES ($1, $2, $3, '', '{}', 'user', $4)`,
      [workspace, agent, version, day(version)],
    );
  }
  for (const [version, status] of [
    [2, 'superseded'],
    [3, 'promoted'],
  ] as const) {
    await database.sql(
      `INSERT INTO rollout (workspace, id, agent, agent_name, version, stable, status, reason, plan, is_ready, stable_totals, totals, by_principal, by_name,
         created_at, ended_at) VALUES ($1, gen_random_uuid(), $2, 'a', $3, 1, $4, '', '{}', true, '{}', '{}', 'user', 'user', $5, $6)`,
      [workspace, agent, version, status, day(version), day(version + 4)],
    );
  }
  await database.migrate(migrations);
  const rows = await database.sql<{ current_at: Date | null }>(`SELECT current_at FROM agent_version ORDER BY version`);
  expect(rows.map(({ current_at: at }) => at?.toISOString() ?? null)).toEqual([day(1), null, day(7)]);
});
