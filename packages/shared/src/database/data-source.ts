import pg from 'pg';
import { DataSource, type EntitySchema } from 'typeorm';

export type Entities = (new () => object)[] | EntitySchema[];

/**
 * A connection whose end is borne at every moment. The pool and TypeORM take turns in listening, and a server that is killed just as it accepts a
 * connection ends it between them: an error that nobody hears ends the process. Queries reject by themselves.
 */
class BorneClient extends pg.Client {
  constructor(...config: ConstructorParameters<typeof pg.Client>) {
    super(...config);
    this.on('error', () => undefined);
  }
}

/** A pool of connections for one role. It connects at first use and again after the database was away. */
export async function openDataSource(url: string, pool: number, entities: Entities, name: string): Promise<DataSource> {
  const source = new DataSource({
    type: 'postgres',
    url,
    entities,
    synchronize: false,
    logging: false,
    applicationName: name,
    poolSize: pool,
    connectTimeoutMS: 5_000,
    extra: {
      Client: BorneClient,
      keepAlive: true,
      idleTimeoutMillis: 60_000,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
    },
    poolErrorHandler: () => undefined, // an idle connection that breaks is replaced at the next use
  });
  return source.initialize();
}
