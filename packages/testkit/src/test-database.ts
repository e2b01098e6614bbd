import { randomBytes } from 'node:crypto';
import { type Client, escapeIdentifier, type QueryResultRow } from 'pg';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { applyMigration, pendingMigrations, rollBackMigration, type Migration } from '@signalbox/stack/database/migrations.js';
import { ensureDatabase, ensureSchemas } from '@signalbox/stack/database/roles.js';
import { roleOf, schemaOf, type RoleKind } from '@signalbox/stack/database/services.js';
import { sharedPostgres } from './shared-postgres.ts';
import { rolePasswords, withClient } from './test-postgres.ts';

/** Statements that take away or narrow what the version before reads and writes, which may run beside this one. Indexes may go, and a column may stop being generated. */
const breaking =
  /^\s*(?:DROP (?!INDEX)|TRUNCATE|ALTER TABLE[^]*\b(?:DROP(?! EXPRESSION)|RENAME|SET NOT NULL|TYPE|ADD CONSTRAINT|ADD COLUMN (?!.* (?:DEFAULT|GENERATED) ).* NOT NULL)\b)/i;

/** Made before that was a rule. */
const early = new Set(['0007-budgets-above']);

/** A database of its own for one test file, with the schema of one service. */
export class TestDatabase {
  private constructor(
    readonly service: ServiceName,
    readonly name: string,
    private readonly superuserUrl: string,
  ) {}

  /** Fresh, without tables; on the shared server, or on the one whose superuser's URL is given. */
  static async create(service: ServiceName, superuserUrl?: string): Promise<TestDatabase> {
    const server = superuserUrl ?? (await sharedPostgres());
    const name = `test_${schemaOf(service)}_${randomBytes(6).toString('hex')}`;
    await withClient(server, (client) => ensureDatabase(client, name));
    const database = new TestDatabase(service, name, server);
    await withClient(database.superuserUrlHere(), (client) => ensureSchemas(client, name, [service]));
    return database;
  }

  private superuserUrlHere(): string {
    const url = new URL(this.superuserUrl);
    url.pathname = `/${this.name}`;
    return url.href;
  }

  /** The URL of one of the service's roles: `request` as handlers have it, `system` for background work, `owner` for migrations. */
  url(kind: RoleKind): string {
    const url = new URL(this.superuserUrlHere());
    url.username = roleOf(this.service, kind);
    url.password = rolePasswords(this.superuserUrl)(url.username);
    return url.href;
  }

  /** Applies what is pending, as the owner. No migration may do more than extend the schema without saying so. */
  async migrate(migrations: readonly Migration[]): Promise<void> {
    for (const { name, up, breaks } of migrations) {
      const found = breaks || early.has(name) ? undefined : up.find((statement) => breaking.test(statement));
      if (found !== undefined) throw new Error(`${name} must only extend the schema, or export \`breaks = true\`: ${found}`);
    }
    await withClient(this.url('owner'), async (client) => {
      for (const migration of await pendingMigrations(client, migrations)) await applyMigration(client, migration);
    });
  }

  /** Undoes all, the newest first, as the owner. */
  async rollBack(migrations: readonly Migration[]): Promise<void> {
    await withClient(this.url('owner'), async (client) => {
      for (const migration of migrations.toReversed()) await rollBackMigration(client, migration);
    });
  }

  /** A query as the superuser in the service's schema, past row security: for looking at what was written. */
  async sql<Row extends QueryResultRow = QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return withClient(this.superuserUrlHere(), async (client: Client) => {
      await client.query(`SELECT set_config('search_path', $1, false)`, [escapeIdentifier(schemaOf(this.service))]);
      return (await client.query<Row>(text, values)).rows;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const drop = `DROP DATABASE IF EXISTS ${escapeIdentifier(this.name)} WITH (FORCE)`;
    await withClient(this.superuserUrl, (client) => client.query(drop));
  }
}
