import { DataSource, type EntitySchema } from 'typeorm';

export type Entities = (new () => object)[] | EntitySchema[];

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
    extra: { keepAlive: true, idleTimeoutMillis: 60_000, statement_timeout: 30_000, idle_in_transaction_session_timeout: 30_000 },
    poolErrorHandler: () => undefined, // an idle connection that breaks is replaced at the next use
  });
  return source.initialize();
}
