import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { Owned } from '@signalbox/shared/shards/lease.js';

const joinSql = `INSERT INTO replica (owner, lease_until, tells) VALUES ($1, now(), true) ON CONFLICT (owner) DO UPDATE SET tells = true`;
const tellSql = `UPDATE shard SET told = shard.epoch FROM unnest($2::int[], $3::int[]) AS t (shard, epoch)
  WHERE shard.shard = t.shard AND shard.epoch = t.epoch AND shard.owner = $1`;

// A replica of a version that does not know of this never says so: nobody waits for it.
const allSql = `SELECT NOT EXISTS (
    SELECT 1 FROM shard s LEFT JOIN replica r ON r.owner = s.owner AND r.lease_until > now()
     WHERE r.owner IS NULL OR (r.tells AND s.told <> s.epoch)) AS "areAll"`;

/** Which owners have told the keepers of limits what the runs of their shards hold. */
export class Told {
  constructor(
    private readonly system: SystemDatabase,
    private readonly owner: () => string,
  ) {}

  /** Before it takes its first shard, a replica says that it will say so. */
  async join(): Promise<void> {
    await this.system.source.query(joinSql, [this.owner()]);
  }

  /** Says so of shards; of those that have come to another meanwhile nothing is said. */
  async say(owned: readonly Owned[]): Promise<void> {
    await this.system.source.query(tellSql, [this.owner(), owned.map(({ shard }) => shard), owned.map(({ epoch }) => epoch)]);
  }

  /** Whether each shard has an owner that lives, and that has told it. */
  async areAll(): Promise<boolean> {
    const rows: { areAll: boolean }[] = await this.system.source.query(allSql);
    return rows[0]?.areAll === true;
  }
}
