import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { ServiceName } from '../bus/contract.ts';
import { newUuid } from '../ids/ids.ts';
import { log } from '../telemetry/log.ts';
import { placement } from './placement.ts';
import { shardCount } from './shard-count.ts';

/** How long shards stay with an owner that does not renew. What a dead one had stands still for at most this. */
export const leaseMs = 2_500;
const renewMs = 500;
/** Between looks while there are shards that should be ours and are another's. */
const pollMs = 150;
/** Shards that are given to another at once: what is in more would stand still together. */
const movesMax = 64;

export interface Owned {
  shard: number;
  epoch: number;
}

export interface LeaseEvents {
  /** Shards that are now ours, with their epochs: what is in them is to be loaded. Rejects when it cannot be. */
  taken(owned: readonly Owned[]): Promise<void>;
  /** Shards that belong with another replica: resolves when nothing of them is under way here any more. */
  release(shards: readonly number[]): Promise<void>;
  /** Somebody else has these: what we hold of them is to be dropped. */
  lost(shards: readonly number[]): void;
  /** The lease was renewed after a gap in which nothing was done. */
  resumed(): void;
  /** These shards have other owners than before. */
  moved(shards: readonly number[]): void;
}

interface Look {
  replicas: string[];
  owners: (string | null)[];
  epochs: number[];
}

/**
 * Who owns which shards. A replica renews one row; a shard belongs to the owner it names while that owner's row is fresh. Each replica takes
 * the free shards that `placement` gives it, and gives back those that belong with another. Safety rests on the journal's primary key: this
 * only says who should act.
 */
export class Lease {
  readonly owner = newUuid();
  private client: pg.Client | null = null;
  private renewedAt = -Infinity;
  /** Ours, with the epoch in which each was taken. */
  private readonly owned = new Map<number, number>();
  /** Of these, those that are loaded. */
  private readonly loaded = new Set<number>();
  /** Of these, those that are being given to another. */
  private readonly leaving = new Set<number>();
  private owners: (string | null)[] = Array.from({ length: shardCount }, () => null);
  private replicas: string[] = [];
  private wanted: { of: string; places: (string | undefined)[] } = { of: '', places: [] };
  private isStopped = false;
  private loop: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    private readonly service: ServiceName,
    private readonly url: string,
    private readonly events: LeaseEvents,
  ) {}

  /** The epoch in which we took a shard; undefined when it is not ours. */
  epochOf(shard: number): number | undefined {
    return this.owned.get(shard);
  }

  /** Whether no other replica was alive when we looked last. */
  get isAlone(): boolean {
    return this.replicas.every((replica) => replica === this.owner);
  }

  /** One shard of each other replica that was alive when we looked last. */
  get peers(): number[] {
    const shards = new Map<string, number>();
    this.owners.forEach((owner, shard) => {
      if (owner !== null && owner !== this.owner && this.replicas.includes(owner)) shards.set(owner, shard);
    });
    return [...shards.values()];
  }

  /** Whether timers may fire and tasks may leave: not after a gap of more than a third of the lease without renewal. */
  mayAct(): boolean {
    return this.owned.size > 0 && performance.now() - this.renewedAt < renewMs + leaseMs / 3;
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
      let isWaiting = true;
      try {
        isWaiting = await this.tick();
      } catch (err) {
        log.warn('the lease on the shards was not renewed', { err });
        const broken = this.client;
        this.client = null;
        broken?.end().catch(() => undefined);
      }
      await sleep(isWaiting ? pollMs : renewMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** Renews, and takes, gives back and lets go what is to be. True while shards are waited for. */
  private async tick(): Promise<boolean> {
    const client = await this.connected();
    const before = performance.now();
    const hadGap = this.owned.size > 0 && !this.mayAct();
    const look = await this.look(client);
    const lost = [...this.owned].filter(([shard, epoch]) => look.owners[shard] !== this.owner || look.epochs[shard] !== epoch);
    this.letGo(lost.map(([shard]) => shard));
    this.renewedAt = before;
    if (hadGap) this.events.resumed();
    this.replicas = look.replicas;
    // What was let go of while the database did not answer still bears our name, and nobody could take it.
    const stray = look.owners.flatMap((owner, shard) =>
      owner === this.owner && !this.owned.has(shard) && !this.leaving.has(shard) ? [shard] : [],
    );
    if (stray.length > 0) await this.free(stray);
    const places = this.placesAmong(look.replicas);
    const isAlive = new Set(look.replicas);
    const free = look.owners.flatMap((owner, shard) =>
      places[shard] === this.owner && (owner === null || !isAlive.has(owner)) ? [shard] : [],
    );
    await this.take(client, free);
    this.notice(look.owners);
    const others = [...this.loaded].filter((shard) => places[shard] !== this.owner && !this.leaving.has(shard));
    // The lease is renewed meanwhile, however long the last rows take.
    if (others.length > 0 && this.leaving.size === 0) void this.giveBack(others.slice(0, movesMax));
    return places.some((place, shard) => place === this.owner && !this.owned.has(shard));
  }

  private async look(client: pg.Client): Promise<Look> {
    await client.query(
      `INSERT INTO replica (owner, lease_until) VALUES ($1, now() + $2 * interval '1 millisecond')
       ON CONFLICT (owner) DO UPDATE SET lease_until = excluded.lease_until`,
      [this.owner, leaseMs],
    );
    const { rows } = await client.query<Look>(
      `SELECT (SELECT coalesce(array_agg(owner::text ORDER BY owner), '{}') FROM replica WHERE lease_until > now()) AS replicas,
              array_agg(owner::text ORDER BY shard) AS owners, array_agg(epoch ORDER BY shard) AS epochs FROM shard`,
    );
    return rows[0] as Look;
  }

  private placesAmong(replicas: readonly string[]): (string | undefined)[] {
    const of = replicas.join();
    if (this.wanted.of !== of) this.wanted = { of, places: placement(replicas) };
    return this.wanted.places;
  }

  /** Takes shards that nobody has; another replica that looked at the same moment may be first. */
  private async take(client: pg.Client, free: readonly number[]): Promise<void> {
    if (free.length === 0) return;
    const { rows } = await client.query<Owned>(
      `UPDATE shard SET owner = $1, epoch = epoch + 1
        WHERE shard = ANY($2) AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.owner = shard.owner AND r.lease_until > now())
       RETURNING shard, epoch`,
      [this.owner, free],
    );
    if (rows.length === 0) return;
    await client.query(`DELETE FROM replica WHERE lease_until < now() - interval '1 hour'`);
    for (const { shard, epoch } of rows) this.owned.set(shard, epoch);
    for (const { shard } of rows) this.owners[shard] = this.owner;
    log.info('shards taken', { shards: rows.length, owned: this.owned.size });
    // The lease is renewed while they are loaded, however much is in them.
    void this.load(rows);
  }

  private async load(taken: readonly Owned[]): Promise<void> {
    const still = (): number[] => taken.filter(({ shard, epoch }) => this.owned.get(shard) === epoch).map(({ shard }) => shard);
    try {
      await this.events.taken(taken);
      for (const shard of still()) this.loaded.add(shard);
    } catch (err) {
      log.error('shards could not be loaded', { err });
      const shards = still();
      this.letGo(shards);
      await this.free(shards);
    }
  }

  /** Whoever else's shards have come to other owners. */
  private notice(owners: readonly (string | null)[]): void {
    const moved = owners.flatMap((owner, shard) =>
      owner !== null && !this.owned.has(shard) && owner !== this.owners[shard] ? [shard] : [],
    );
    for (const shard of moved) this.owners[shard] = owners[shard] ?? null;
    if (moved.length > 0) this.events.moved(moved);
  }

  private async giveBack(shards: readonly number[]): Promise<void> {
    for (const shard of shards) this.leaving.add(shard);
    try {
      await this.events.release(shards);
      this.forget(shards);
      await this.free(shards);
      log.info('shards given to another replica', { shards: shards.length, owned: this.owned.size });
    } catch (err) {
      log.error('shards were not given to another replica', { err });
    } finally {
      for (const shard of shards) this.leaving.delete(shard);
    }
  }

  private forget(shards: readonly number[]): void {
    for (const shard of shards) {
      this.owned.delete(shard);
      this.loaded.delete(shard);
      this.owners[shard] = null;
    }
  }

  private letGo(shards: readonly number[]): void {
    if (shards.length === 0) return;
    log.warn('another owner has taken shards', { shards: shards.length });
    this.forget(shards);
    this.events.lost(shards);
  }

  /** Whoever they belong with may take them. */
  private async free(shards: readonly number[]): Promise<void> {
    try {
      const client = await this.connected();
      await client.query(`UPDATE shard SET owner = NULL WHERE owner = $1 AND shard = ANY($2)`, [this.owner, shards]);
    } catch (err) {
      log.warn('shards were not given back: it is tried again', { err });
    }
  }

  private async connected(): Promise<pg.Client> {
    if (this.client) return this.client;
    const client = new pg.Client({
      connectionString: this.url,
      application_name: `${this.service}-lease`,
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
