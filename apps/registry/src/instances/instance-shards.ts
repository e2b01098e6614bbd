import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { Lease, type Owned } from '@signalbox/shared/shards/lease.js';
import { RegistryConfig } from '../registry.config.ts';
import { HeardInstances, type Heard } from './heard-instances.ts';
import { InstanceStore, type HeardRow } from './instance.store.ts';

/** Shards whose instances are read at once. */
const shardsAtOnce = 32;

/** Which instances this replica hears: those of the shards that it owns. */
@Injectable()
export class InstanceShards {
  private readonly lease: Lease;
  /** Shards whose instances are loaded and that are heard here, with what ends that. */
  private readonly ears = new Map<number, () => Promise<void>>();

  constructor(
    private readonly bus: Bus,
    private readonly system: SystemDatabase,
    private readonly instances: InstanceStore,
    private readonly heard: HeardInstances,
    private readonly config: RegistryConfig,
  ) {
    this.lease = new Lease('registry', config.systemDatabaseUrl, {
      taken: (owned) => this.take(owned),
      release: (shards) => this.letGo(shards),
      lost: (shards) => void this.letGo(shards),
      resumed: () => undefined, // `mayAct` was false meanwhile, which is enough for those who miss beats
      moved: () => undefined,
    });
  }

  /** Whether the lease was renewed lately: else another may hear the instances by now. */
  get mayAct(): boolean {
    return this.lease.mayAct();
  }

  owns(shard: number): boolean {
    return this.ears.has(shard);
  }

  get owned(): number[] {
    return [...this.ears.keys()];
  }

  start(): void {
    this.lease.start();
  }

  /** Hears no more; all that was said before is heard when it resolves. */
  async deafen(shards: readonly number[] = this.owned): Promise<void> {
    const ears = shards.flatMap((shard) => this.ears.get(shard) ?? []);
    for (const shard of shards) this.ears.delete(shard);
    await Promise.all(ears.map((end) => end()));
  }

  /** Gives the shards to whoever wants them. */
  stop(): Promise<void> {
    return this.lease.stop();
  }

  /** Hears instances that were written while nobody heard their shard, and that have not beaten since. */
  async findMissed(): Promise<void> {
    const rows = await this.system.run((tx) => this.instances.cameLately(tx, this.owned));
    this.keep(rows.filter(({ id }) => this.heard.get(fromUuid('instance', id)) === undefined));
  }

  /** Nobody knows how long they have not been heard: each has a full limit from now on. */
  private async take(owned: readonly Owned[]): Promise<void> {
    for (let at = 0; at < owned.length; at += shardsAtOnce) {
      const part = owned.slice(at, at + shardsAtOnce);
      const rows = await this.system.run((tx) =>
        this.instances.inShards(
          tx,
          part.map(({ shard }) => shard),
        ),
      );
      const server = await this.bus.server;
      for (const { shard, epoch } of part) if (this.lease.epochOf(shard) === epoch) this.ears.set(shard, server.hearShard(shard));
      this.keep(rows);
    }
    await this.bus.connection.flush();
  }

  private keep(rows: readonly HeardRow[]): void {
    for (const row of rows) if (this.owns(row.shard)) this.heard.keep(heardOf(row), this.config.limitMs);
  }

  private async letGo(shards: readonly number[]): Promise<void> {
    await this.deafen(shards);
    this.heard.dropShards(new Set(shards));
  }
}

function heardOf(row: HeardRow): Heard {
  const { id, workspace, agent, instance, shard, status, capacity } = row;
  const at = performance.now();
  return {
    ...{
      id: fromUuid('instance', id),
      uuid: id,
      workspace,
      agent,
      agentId: row.agent_id,
      instance,
      shard,
      version: Number(row.event_version),
    },
    ...{
      state: { status, capacity, inFlight: row.in_flight, isDraining: row.is_draining },
      beatAt: at,
      written: { inFlight: row.in_flight, at },
    },
  };
}
