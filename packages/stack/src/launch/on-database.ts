import { urlWith } from '../database/connect.ts';
import type { MigrationTarget } from '../database/service-migrations.ts';
import { databaseOf, setUpDatabase } from '../database/set-up.ts';
import { layoutOf, type DataLayout } from '../data-folder/layout.ts';
import { lockDataFolder } from '../data-folder/lock.ts';
import { openDataFolder } from '../data-folder/open.ts';
import { databasePasswords } from '../data-folder/secrets.ts';
import { PostgresCluster } from '../postgres/cluster.ts';
import { databaseUrlOf } from './existing-servers.ts';

/**
 * Works on the database of a data folder while Signalbox does not: on its own PostgreSQL, or on the existing one of `DATABASE_URL`. Roles and
 * schemas are made first. The target's URL is the administrator's.
 */
export async function onDatabase(
  root: string,
  data: string,
  environment: Record<string, string | undefined>,
  work: (target: MigrationTarget, layout: DataLayout) => Promise<void>,
): Promise<void> {
  const existing = databaseUrlOf(environment);
  const unlock = await lockDataFolder(layoutOf(data));
  try {
    const layout = await openDataFolder(data, '');
    const passwords = await databasePasswords(layout);
    const passwordOf = (role: string): string => passwords.roles[role]!;
    const onAdminUrl = async (adminUrl: string): Promise<void> => {
      await setUpDatabase(adminUrl, passwordOf);
      await work({ root, url: urlWith(adminUrl, { database: databaseOf(adminUrl) }), passwordOf }, layout);
    };
    if (existing) return await onAdminUrl(existing);
    const cluster = await PostgresCluster.start({ folder: layout.postgres, binariesFolder: layout.bin, password: passwords.superuser });
    try {
      await onAdminUrl(cluster.url());
    } finally {
      await cluster.stop();
    }
  } finally {
    await unlock();
  }
}
