import { newUuid } from '@signalbox/shared/ids/ids.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** How long shards stay with an owner that does not renew. Runs of a dead one stand still for at most this. */
export const leaseMs = 2_500;
const renewMs = 800;
/** Between attempts to take shards that somebody has. */
const pollMs = 200;

export interface Owned {
  shard: number;
  epoch: number;
}

export interface LeaseEvents {
  /** Shards that are now ours, with their epochs: their runs are to be loaded. */
  taken(owned: Owned[]): Promise<void>;
  /** Somebody else has them: whatever we hold is to be dropped. */
  lost(): void;
  /** The lease was renewed after a gap in which nothing was done. */
  resumed(): void;
}

/**
 * Who owns which shards. A replica renews one row; a shard belongs to the owner it names while that owner's row is fresh. Safety rests on the
 * journal's primary key: this only says who should act.
 */
export class Lease {
  readonly owner = newUuid();
  epoch = 0;
  private client: pg.Client | null = null;
  private renewedAt = -Infinity;
  private owned: Owned[] = [];
  private isStopped = false;
  private loop: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    private readonly url: string,
    private readonly events: LeaseEvents,
  ) {}

  /** Whether timers may fire and tasks may leave: not after a gap of more than a third of the lease without renewal. */
  mayAct(): boolean {
    return this.owned.length > 0 && performance.now() - this.renewedAt < renewMs + leaseMs / 3;
  }

  start(): void {
    this.loop = this.run();
  }

  /** Gives the shards back, so that another takes them without waiting. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.stopping.abort();
    await this.loop;
    try {
      const client = await this.connected();
      await client.query(`UPDATE shard SET owner = NULL WHERE owner = $1`, [this.owner]);
      await client.query(`DELETE FROM replica WHERE owner = $1`, [this.owner]);
    } catch (err) {
      log.warn('the shards were not given back: they are free when the lease ends', { err });
    }
    await this.client?.end().catch(() => undefined);
  }

  /** Stops as a killed process would: shards stay taken until the lease ends. */
  async abandon(): Promise<void> {
    this.isStopped = true;
    this.stopping.abort();
    await this.loop;
    await this.client?.end().catch(() => undefined);
  }

  private async run(): Promise<void> {
    while (!this.isStopped) {
      try {
        if (this.owned.length === 0) await this.take();
        else await this.renew();
      } catch (err) {
        log.warn('the lease on the shards was not renewed', { err });
        const broken = this.client;
        this.client = null;
        broken?.end().catch(() => undefined);
      }
      await sleep(this.owned.length === 0 ? pollMs : renewMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async take(): Promise<void> {
    const client = await this.connected();
    const before = performance.now();
    await client.query(
      `INSERT INTO replica (owner, lease_until) VALUES ($1, now() + $2 * interval '1 millisecond')
       ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until`,
      [this.owner, leaseMs],
    );
    const { rows } = await client.query<Owned>(
      `UPDATE shard SET owner = $1, epoch = epoch + 1
        WHERE NOT EXISTS (SELECT 1 FROM replica r WHERE r.owner = shard.owner AND r.lease_until > now()) RETURNING shard, epoch`,
      [this.owner],
    );
    if (rows.length === 0) return;
    await client.query(`DELETE FROM replica WHERE lease_until < now() - interval '1 hour'`);
    this.epoch = Math.max(...rows.map(({ epoch }) => epoch));
    this.owned = rows;
    this.renewedAt = before;
    log.info('shards taken', { shards: rows.length, epoch: this.epoch });
    // The lease is renewed while runs are loaded, however many there are.
    const loading = this.events.taken(rows).then(
      () => true,
      (err: unknown) => {
        log.error('the runs of the shards could not be loaded', { err });
        return false;
      },
    );
    for (;;) {
      const isLoaded = await Promise.race([loading, sleep(renewMs)]);
      if (isLoaded === true) return;
      if (isLoaded === false) {
        this.owned = [];
        this.events.lost();
        return;
      }
      await this.renew();
    }
  }

  private async renew(): Promise<void> {
    const client = await this.connected();
    const before = performance.now();
    const hadGap = !this.mayAct();
    const { rows } = await client.query<{ shards: number }>(
      `WITH mine AS (
         UPDATE replica SET lease_until = now() + $2 * interval '1 millisecond' WHERE owner = $1 RETURNING owner
       ) SELECT count(*)::int AS shards FROM shard, mine WHERE shard.owner = mine.owner`,
      [this.owner, leaseMs],
    );
    if ((rows[0]?.shards ?? 0) < this.owned.length) {
      log.warn('another owner has taken the shards');
      this.owned = [];
      this.events.lost();
      return;
    }
    this.renewedAt = before;
    if (hadGap) this.events.resumed();
  }

  private async connected(): Promise<pg.Client> {
    if (this.client) return this.client;
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'execution-lease',
      keepAlive: true,
      connectionTimeoutMillis: leaseMs,
      statement_timeout: leaseMs,
      query_timeout: leaseMs,
    });
    client.on('error', (err) => log.warn('the connection of the lease broke', { err }));
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.client = client;
    return client;
  }
}
