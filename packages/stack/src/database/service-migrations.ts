import { join } from 'node:path';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { urlWith, withClient } from './connect.ts';
import { applyMigration, appliedMigrations, loadMigrations, pendingMigrations, rollBackMigration, type Migration } from './migrations.ts';
import { owningServices, roleOf } from './services.ts';

/** What is needed to migrate: the database, by a URL whose user and password do not matter, and the owners' passwords. */
export interface MigrationTarget {
  root: string;
  url: string;
  passwordOf: (role: string) => string;
}

export interface ServicePlan {
  service: ServiceName;
  pending: Migration[];
  applied: string[];
}

/** What each service would migrate. */
export function planMigrations(target: MigrationTarget): Promise<ServicePlan[]> {
  return Promise.all(
    owningServices.map(async (service) => {
      const migrations = await migrationsOf(target.root, service);
      return withClient(ownerUrl(target, service), async (client) => ({
        service,
        pending: await pendingMigrations(client, migrations),
        applied: await appliedMigrations(client),
      }));
    }),
  );
}

/** Applies what is pending, service by service; each migration whole or not at all. Returns how many. */
export async function migrate(
  target: MigrationTarget,
  plans: readonly ServicePlan[],
  say: (sentence: string) => void = () => undefined,
): Promise<number> {
  let count = 0;
  for (const { service, pending } of plans) {
    if (pending.length === 0) continue;
    await withClient(ownerUrl(target, service), async (client) => {
      for (const migration of pending) {
        await applyMigration(client, migration);
        say(`${service}: ${migration.name}`);
        count++;
      }
    });
  }
  return count;
}

/** Undoes the newest migration of one service; its name, or null when there is none. */
export async function rollBackNewest(target: MigrationTarget, service: ServiceName): Promise<string | null> {
  const migrations = await migrationsOf(target.root, service);
  return withClient(ownerUrl(target, service), async (client) => {
    const newest = (await appliedMigrations(client)).at(-1);
    const migration = migrations.find(({ name }) => name === newest);
    if (!migration) return null;
    await rollBackMigration(client, migration);
    return migration.name;
  });
}

/** The migrations that this Signalbox has of a service, in order. */
export function migrationsOf(root: string, service: ServiceName): Promise<Migration[]> {
  return loadMigrations(join(root, 'apps', service, 'dist', 'migrations'));
}

function ownerUrl({ url, passwordOf }: MigrationTarget, service: ServiceName): string {
  const user = roleOf(service, 'owner');
  return urlWith(url, { user, password: passwordOf(user) });
}
