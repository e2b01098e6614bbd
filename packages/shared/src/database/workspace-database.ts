import { validate as isUuid } from 'uuid';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { Fault } from '../errors/fault.ts';

/** Runs after the transaction of a change has been committed. */
type AfterCommit = () => void;
const afterCommits = new WeakMap<QueryRunner, AfterCommit[]>();

/** Has `work` run once the transaction of `tx` is committed; never if it is not. */
export function afterCommit(tx: EntityManager, work: AfterCommit): void {
  const waiting = tx.queryRunner && afterCommits.get(tx.queryRunner);
  if (!waiting) throw new Error('this needs a transaction of inWorkspace or of the system database');
  waiting.push(work);
}

/** The database of requests: each transaction sees one workspace, by row level security. */
export class WorkspaceDatabase {
  constructor(private readonly source: DataSource) {}

  /** One transaction in the workspace (a UUID): committed when `work` returns, rolled back when it throws. */
  inWorkspace<T>(workspace: string, work: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (!isUuid(workspace)) throw new Error('a workspace is a UUID');
    return inTransaction(this.source, `SET LOCAL sb.workspace = '${workspace}'`, work);
  }

  close(): Promise<void> {
    return this.source.destroy();
  }
}

/** The database of background work: it sees all workspaces. Never on a request's path. */
export class SystemDatabase {
  constructor(readonly source: DataSource) {}

  run<T>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    return inTransaction(this.source, null, work);
  }

  close(): Promise<void> {
    return this.source.destroy();
  }
}

async function inTransaction<T>(source: DataSource, first: string | null, work: (tx: EntityManager) => Promise<T>): Promise<T> {
  const runner = source.createQueryRunner();
  const waiting: AfterCommit[] = [];
  afterCommits.set(runner, waiting);
  try {
    await runner.startTransaction();
    if (first !== null) await runner.query(first);
    const result = await work(runner.manager);
    await runner.commitTransaction();
    for (const run of waiting) run();
    return result;
  } catch (thrown) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined); // the first error is the one to tell
    throw faultOf(thrown);
  } finally {
    await runner.release();
  }
}

/** PostgreSQL keeps the character U+0000 in no text, JSON documents aside: SQLSTATE 22021 and 22P05. */
const nulPattern = /^(?:22021|22P05)$/;

/** Classes of SQLSTATE, and system errors, that say that the database cannot be reached or is going away. */
const awayPattern = /^(?:08|57P0|53|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND)/;

/** The SQLSTATE of what a query threw, or the code of a system error; empty where it is neither. */
export function sqlStateOf(thrown: unknown): string {
  const { code, driverError } = thrown as { code?: string; driverError?: { code?: string } };
  return driverError?.code ?? code ?? '';
}

/** Whether it was thrown since the database cannot be reached. */
export function isAway(thrown: unknown): boolean {
  const { message } = thrown as { message?: string };
  return awayPattern.test(sqlStateOf(thrown)) || /Connection terminated|timeout exceeded when trying to connect/.test(message ?? '');
}

function faultOf(thrown: unknown): unknown {
  if (thrown instanceof Fault) return thrown;
  const state = sqlStateOf(thrown);
  if (isAway(thrown)) {
    return new Fault('unavailable', 'the database cannot be reached', 'Try again in a moment.', {
      cause: thrown,
      service: 'postgresql',
      retryAfterMs: 1_000,
    });
  }
  if (nulPattern.test(state)) {
    return new Fault('invalid', 'a text contains the character U+0000 (NUL)', 'Leave it out, or send it as an artifact.', {
      cause: thrown,
    });
  }
  return thrown;
}
