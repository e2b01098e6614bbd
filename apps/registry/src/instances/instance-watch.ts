import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { isLost } from '@signalbox/shared/bus/connection.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { AgentHealth } from '../agents/agent-health.ts';
import { RegistryConfig } from '../registry.config.ts';
import { BeatBook } from './beat-book.ts';
import { HeardInstances, type Heard } from './heard-instances.ts';
import { InstanceShards } from './instance-shards.ts';
import { InstanceStore } from './instance.store.ts';

/** Often enough that a missed limit is seen at once. */
const everyMs = 100;
/** A look this late was held up: beats that were sent meanwhile may have been missed. */
const heldUpMs = 1_500;
/** Agents whose lost instances are written at once. */
const agentsAtOnce = 4;
/** When the database was away, those that were late are looked at again after this. */
const againMs = 1_000;
const flushEveryMs = 2_000;
/** Instances that are gone are shown for an hour. */
const keepMs = 3_600_000;
const forgetEveryMs = 60_000;
/** Instances that one round forgets; the next takes the rest. */
const roundMax = 5_000;

/** Marks as gone those who miss their beats, writes now and then what is known of the others, and forgets who is gone for long. */
@Injectable()
export class InstanceWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private round: Promise<void> = Promise.resolve();
  /** Monotonic: since when beats have been heard without a gap. Before a full limit has passed nobody is called gone. */
  private hearingSince = performance.now();
  private lookedAt = performance.now();

  constructor(
    private readonly bus: Bus,
    private readonly book: BeatBook,
    private readonly heard: HeardInstances,
    private readonly shards: InstanceShards,
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly instances: InstanceStore,
    private readonly health: AgentHealth,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.hearingSince = this.lookedAt = performance.now();
    this.shards.start();
    const often = (ms: number, what: string, work: () => Promise<void>): void => {
      const inTurn = (): void => {
        this.round = this.round.then(work).catch((err: unknown) => log.warn(what, { err }));
      };
      this.timers.push(setInterval(inTurn, ms));
    };
    this.timers.push(setInterval(() => this.look(), everyMs));
    often(flushEveryMs, 'beats were not written', () => this.book.flush());
    often(forgetEveryMs, 'instances that are gone were not forgotten', async () => {
      await this.shards.findMissed();
      await this.forget();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.round;
    await this.shards.deafen();
    await this.book.flush().catch((err: unknown) => log.warn('the last beats were not written', { err }));
    await this.shards.stop();
  }

  private look(): void {
    const now = performance.now();
    // Everybody gets a full limit of grace after that.
    if (now - this.lookedAt > heldUpMs || !this.shards.mayAct || isLost(this.bus.connection)) this.hearingSince = now;
    this.lookedAt = now;
    const late = this.heard.late(now, this.config.limitMs, this.hearingSince);
    if (late.length > 0) void this.markAllLost(late);
  }

  private async markAllLost(late: readonly Heard[]): Promise<void> {
    const agents = Map.groupBy(late, ({ workspace, agent }) => `${workspace} ${agent}`).values();
    const inTurn = async (): Promise<void> => {
      for (const lost of agents) {
        await this.markLost(lost).catch((err: unknown) => {
          log.warn('instances that missed their beats were not written', { agent: lost[0]!.agent, err });
          for (const heard of lost) this.heard.again(heard, performance.now() + againMs);
        });
      }
    };
    await Promise.all(Array.from({ length: agentsAtOnce }, inTurn));
  }

  private async markLost(late: readonly Heard[]): Promise<void> {
    const { workspace, agent } = late[0]!;
    await this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM agent WHERE name = $1 FOR UPDATE`, [agent]);
      const now = performance.now();
      const rows = await this.instances.markLost(
        tx,
        agent,
        late.map(({ uuid, beatAt }) => ({ id: uuid, ageMs: now - beatAt })),
      );
      if (rows.length > 0) await this.health.refresh(tx, agent);
    });
    for (const heard of late) {
      this.heard.drop(heard);
      log.warn('an instance missed its beats', { workspace, agent, instance: heard.instance });
    }
  }

  private async forget(): Promise<void> {
    const forgotten = await this.system.run((tx) => this.instances.forget(tx, keepMs, roundMax));
    const agents = new Map(forgotten.map(({ workspace, agent }) => [`${workspace} ${agent}`, { workspace, agent }]));
    for (const { workspace, agent } of agents.values()) await this.db.inWorkspace(workspace, (tx) => this.health.refresh(tx, agent));
  }
}
