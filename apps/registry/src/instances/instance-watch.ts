import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { AgentHealth } from '../agents/agent-health.ts';
import { RegistryConfig } from '../registry.config.ts';
import { BeatBook } from './beat-book.ts';
import { InstanceStore } from './instance.store.ts';

/** Often enough that a missed limit is seen well within a second. */
const everyMs = 500;
/** A round this late was held up: beats that were sent meanwhile may have been missed. */
const heldUpMs = 1_500;
/** Instances that are gone are shown for an hour. */
const keepMs = 3_600_000;
const forgetEveryMs = 60_000;
/** Instances that one round looks at; the next takes the rest. */
const roundMax = 5_000;

/** Writes beats in batches and marks as gone those who miss theirs. */
@Injectable()
export class InstanceWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> = Promise.resolve();
  /** Monotonic: since when beats have been heard without a gap. Before a full limit has passed nobody is called gone. */
  private hearingSince = performance.now();
  private lastRoundAt = performance.now();
  private forgotAt = -Infinity;

  constructor(
    private readonly book: BeatBook,
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
    private readonly instances: InstanceStore,
    private readonly health: AgentHealth,
    private readonly config: RegistryConfig,
  ) {}

  /** After the last beat, in milliseconds, an instance counts as gone. */
  private get limitMs(): number {
    return this.config.heartbeatMs * this.config.missedBeats;
  }

  onApplicationBootstrap(): void {
    this.hearingSince = this.lastRoundAt = performance.now();
    this.timer = setInterval(() => {
      this.round = this.round.then(() => this.look()).catch((err: unknown) => log.warn('beats were not written', { err }));
    }, everyMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.round;
    await this.book.flush().catch((err: unknown) => log.warn('the last beats were not written', { err }));
  }

  private async look(): Promise<void> {
    const moment = performance.now();
    // Everybody gets a full limit of grace after that.
    if (moment - this.lastRoundAt > heldUpMs) this.hearingSince = moment;
    await this.book.flush();
    this.lastRoundAt = performance.now();
    if (moment - this.hearingSince < this.limitMs) return;
    const late = await this.system.run((tx) => this.instances.late(tx, this.limitMs, roundMax));
    for (const { workspace, agent } of late) await this.markLost(workspace, agent);
    if (moment - this.forgotAt > forgetEveryMs) {
      this.forgotAt = moment;
      await this.forget();
    }
  }

  private async markLost(workspace: string, agent: string): Promise<void> {
    const lost = await this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM agent WHERE name = $1 FOR UPDATE`, [agent]);
      const rows = await this.instances.markLost(tx, agent, this.limitMs);
      if (rows.length > 0) await this.health.refresh(tx, agent);
      return rows.map((row) => row.instance);
    });
    this.book.drop(workspace, agent, lost);
    for (const instance of lost) log.warn('an instance missed its beats', { workspace, agent, instance });
  }

  private async forget(): Promise<void> {
    const forgotten = await this.system.run((tx) => this.instances.forget(tx, keepMs, roundMax));
    const agents = new Map(forgotten.map(({ workspace, agent }) => [`${workspace} ${agent}`, { workspace, agent }]));
    for (const { workspace, agent } of agents.values()) await this.db.inWorkspace(workspace, (tx) => this.health.refresh(tx, agent));
  }
}
