import { sqlStateOf } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { AppendOutcome, AppendSource } from './append.ts';
import { statementOf } from './append-statement.ts';
import { encode, type EncodedAppend } from './batch.ts';
import { commitOn } from './commit-query.ts';
import { FairQueue } from './fair-queue.ts';
import { isOfRows } from './halt.ts';

/** Rows and bytes of one commit: larger ones make the rest wait longer without being cheaper. */
const batchRowsMax = 1_000;
const sharedRowsMax = 250;
const batchBytesMax = 4 * 1024 * 1024;
/** Between attempts while the database is away. */
const retryMs = 100;
const retryMaxMs = 1_000;

/**
 * Statements are planned once: a plan that knew the lengths of the lists would be no better, and would be made anew at each commit. Such a plan may
 * be made while tables are small and stand for days: it goes by their keys from the start.
 */
const settings =
  'SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_mergejoin = off';

/** Whether rows of these runs and numbers are there, and whose they are. */
const ownRows = {
  name: 'own-rows',
  text: `SELECT j.run_id, j.seq, j.writer FROM journal j
    JOIN unnest($1::uuid[], $2::int[], $3::date[]) AS r (run_id, seq, day) ON j.run_id = r.run_id AND j.seq = r.seq AND j.day = r.day`,
};

interface Taken extends EncodedAppend {
  source: AppendSource;
}

/**
 * One connection that appends. While a commit is in flight, what is to be appended gathers; when it returns, all goes as one statement. No
 * timer: an idle lane commits at once, a busy one grows its batches.
 */
export class Lane {
  private readonly queue = new FairQueue<AppendSource>();
  private client: pg.Client | null = null;
  private isBusy = false;
  private isStopped = false;
  private batch = 0;
  private idle: (() => void)[] = [];
  /** Milliseconds that commits took lately. */
  private latencyMs = 0;
  /** Rows of the last commit that left some waiting: large ones are few. */
  private fullRows = batchRowsMax;
  /** What the last attempt to commit met that was no fault of its rows, as SQLSTATE or code of the system; undefined since one that was answered. */
  halted: string | undefined;

  constructor(
    private readonly url: string,
    /** Owner and epoch: rows carry them, so that one's own row is known again after a lost answer. */
    private readonly writer: () => string,
    private readonly number: number,
    /** Whether the writer has its shards for certain: else starts are appended only where it does. */
    private readonly mayAct: () => boolean,
  ) {}

  get waiting(): number {
    return this.queue.size;
  }

  /** Of these, a workspace's. */
  waitingOf(workspace: string): number {
    return this.queue.sizeOf(workspace);
  }

  /**
   * Milliseconds until the next row of a workspace is committed, by how long commits took lately; without one, of who has most in front of it. Where
   * nothing is being committed, none: however long the last one took, as after an outage.
   */
  waitMs(workspace?: string): number {
    if (!this.isBusy) return 0;
    const { size, keys } = this.queue;
    const ahead = workspace === undefined ? size : Math.min(size, this.queue.sizeOf(workspace) * keys);
    return this.latencyMs * (1 + ahead / this.fullRows);
  }

  /** Has `source` asked for its next row. Never call it twice before it has settled. */
  push(source: AppendSource): void {
    this.queue.push(source.workspace, source);
    if (this.isBusy) return;
    this.isBusy = true;
    // After what is being handled now has been: transitions of the same moment go together.
    queueMicrotask(() => void this.flush());
  }

  /** Resolves when nothing waits. Nothing may be pushed after. */
  async stop(): Promise<void> {
    if (this.isBusy) await new Promise<void>((resolve) => this.idle.push(resolve));
    this.isStopped = true;
    await this.client?.end().catch(() => undefined);
  }

  /** Gives up: what waits is not appended. */
  async abandon(): Promise<void> {
    this.isStopped = true;
    this.queue.clear();
    await this.client?.end().catch(() => undefined);
  }

  private async flush(): Promise<void> {
    while (this.queue.size > 0 && !this.isStopped) {
      const taken = this.take();
      if (taken.length > 0) await this.commit(taken);
    }
    this.isBusy = false;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  private take(): Taken[] {
    const taken: Taken[] = [];
    let bytes = 0;
    // Where others wait, a batch is shorter: its commit is what each of them waits for.
    const rowsMax = this.queue.keys > 1 ? sharedRowsMax : batchRowsMax;
    while (taken.length < rowsMax && bytes < batchBytesMax) {
      const source = this.queue.take();
      if (source === undefined) break;
      const encoded = encodeNext(source);
      if (encoded === undefined) continue;
      bytes += encoded.body.length + encoded.blobs.reduce((sum, { body }) => sum + body.length, 0);
      taken.push({ source, ...encoded });
    }
    if (this.queue.size > 0 && taken.length > 0) this.fullRows = taken.length;
    return taken;
  }

  /** Appends these rows, however often the database goes away, and tells each source what became of its row. */
  private async commit(taken: Taken[]): Promise<void> {
    const writer = `${this.writer()}:${this.number}:${++this.batch}`;
    const begun = performance.now();
    let isRepeated = false;
    for (let pause = retryMs; !this.isStopped; pause = Math.min(retryMaxMs, pause * 2)) {
      try {
        const client = await this.connected();
        const answering = commitOn(client, statementOf(taken, writer, isRepeated || !this.mayAct()));
        if (!isRepeated) for (const { source } of taken) source.sent();
        const appended = await answering;
        this.halted = undefined;
        const tookMs = performance.now() - begun;
        this.latencyMs = Math.max(tookMs, (this.latencyMs + tookMs) / 2); // known at once, soon forgotten
        if (appended.length === taken.length) return settleAll(taken, 'committed');
        return await this.judge(taken, new Set(appended), writer, isRepeated);
      } catch (error) {
        if (error instanceof pg.DatabaseError && isOfRows(sqlStateOf(error))) {
          this.halted = undefined;
          return await this.bisect(taken, error);
        }
        // Rolled back for another transaction's sake: nothing is in doubt, and nothing keeps the next attempt from passing.
        if (sqlStateOf(error).startsWith('40')) continue;
        // Whether it was committed is unknown: it is sent again, and one's own rows are found by their writer.
        isRepeated = true;
        this.halted = sqlStateOf(error);
        log.warn('a commit to the journal is tried again', { err: error, rows: taken.length });
        await this.reconnect();
        await sleep(pause);
      }
    }
  }

  /** Rows that were not appended: one's own from an attempt whose answer was lost, or another's. */
  private async judge(taken: Taken[], appended: ReadonlySet<string>, writer: string, isRepeated: boolean): Promise<void> {
    const missing = taken.filter(({ append }) => !appended.has(append.run));
    const own = new Set<string>();
    if (isRepeated) {
      const client = await this.connected();
      const found = await client.query<{ run_id: string; writer: string }>({
        ...ownRows,
        values: [missing.map(({ append }) => append.run), missing.map(({ append }) => append.seq), missing.map(({ append }) => append.day)],
      });
      for (const row of found.rows) if (row.writer === writer) own.add(row.run_id);
    }
    for (const { source, append } of taken) {
      const outcome: AppendOutcome = appended.has(append.run) || own.has(append.run) ? 'committed' : 'lost';
      source.settled(outcome);
    }
  }

  /** PostgreSQL refuses the batch: halves are tried until the row that it refuses stands alone. */
  private async bisect(taken: Taken[], error: unknown): Promise<void> {
    const [only] = taken;
    if (taken.length === 1 && only) {
      log.error('a row of the journal was refused', { err: error, run: only.append.run, seq: only.append.seq });
      only.source.settled('refused', error);
      return;
    }
    const half = taken.length >> 1;
    await this.commit(taken.slice(0, half));
    await this.commit(taken.slice(half));
  }

  private async connected(): Promise<pg.Client> {
    if (this.client) return this.client;
    const client = new pg.Client({
      connectionString: this.url,
      application_name: `execution-journal-${this.number}`,
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      statement_timeout: 30_000,
      query_timeout: 35_000,
    });
    client.on('error', (error) => log.warn('a connection of the journal broke', { err: error }));
    try {
      await client.connect();
      await client.query(settings);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.client = client;
    return client;
  }

  private async reconnect(): Promise<void> {
    const broken = this.client;
    this.client = null;
    // Not waited for: a connection that does not answer does not close either.
    broken?.end().catch(() => undefined);
  }
}

/** The next row of a source; undefined where there is none, or it cannot be made: then the source is told, and the others go on. */
function encodeNext(source: AppendSource): EncodedAppend | undefined {
  try {
    const append = source.take();
    return append && encode(append);
  } catch (error) {
    source.settled('refused', error);
    return undefined;
  }
}

function settleAll(taken: readonly Taken[], outcome: AppendOutcome): void {
  for (const { source } of taken) source.settled(outcome);
}
