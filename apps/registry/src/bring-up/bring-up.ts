import { randomUUID } from 'node:crypto';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { DeploymentStore, type DeploymentRow } from '../deployments/deployment.store.ts';
import { DriftWatch } from '../drift/drift-watch.ts';
import { RegistryConfig } from '../registry.config.ts';
import { LocalRunner } from '../runners/local-runner.ts';
import { MigrationRunner } from '../runners/migration-runner.ts';
import { Autoscaler } from '../scaling/autoscaler.ts';
import { Advance } from './advance.ts';
import { DependencyWatch } from './dependency-watch.ts';
import { MemberWatch } from './member-watch.ts';
import { RolloutProcesses } from './rollout-processes.ts';
import { Takeover } from './takeover.ts';

/** While something moves. */
const busyMs = 250;
/** While nothing does. */
const calmMs = 2_000;
/** Steps that are made without a look at the lease in between. */
const movesMax = 20;
/** Deployments that one replica holds. */
const heldMax = 500;

interface Held {
  /** The start that is being served; 0: none yet. */
  startedAt: number;
  advancing: Promise<void> | null;
  nextAt: number;
}

/**
 * Brings started deployments up and keeps them so. A deployment is held by one replica, by a lease: it starts its processes and moves its steps.
 * Whose lease runs out has crashed or is cut off, and another takes over.
 */
@Injectable()
export class BringUp implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly owner = randomUUID();
  private readonly held = new Map<string, Held>();
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private heldAt = -Infinity;
  private rows: DeploymentRow[] = [];
  private pokes = 0;
  private isStopping = false;

  constructor(
    private readonly system: SystemDatabase,
    private readonly deployments: DeploymentStore,
    private readonly runner: LocalRunner,
    private readonly migrations: MigrationRunner,
    private readonly memberWatch: MemberWatch,
    private readonly dependencyWatch: DependencyWatch,
    private readonly driftWatch: DriftWatch,
    private readonly autoscaler: Autoscaler,
    private readonly advance: Advance,
    private readonly takeover: Takeover,
    private readonly processes: RolloutProcesses,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), busyMs);
  }

  /** Looks at once instead of at the next turn: something was started, stopped or has changed. */
  poke(): void {
    this.heldAt = -Infinity;
    this.pokes++;
    for (const held of this.held.values()) held.nextAt = 0;
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.round;
    await Promise.all([...this.held.values()].map((held) => held.advancing ?? Promise.resolve()));
    await Promise.all([this.memberWatch.settled(), this.runner.stopAll(), this.migrations.stopAll()]);
    await this.system
      .run((tx) => this.deployments.release(tx, this.owner))
      .catch((err: unknown) => log.warn('deployments were not let go; another replica waits for their lease', { err }));
  }

  private wake(): void {
    if (this.isStopping) return;
    this.round ??= this.look()
      .catch((err: unknown) => log.warn('deployments could not be looked at', { err }))
      .finally(() => (this.round = null));
  }

  private async look(): Promise<void> {
    const moment = performance.now();
    if (moment - this.heldAt > this.config.deploymentLeaseMs / 4) {
      this.rows = await this.system.run((tx) => this.deployments.hold(tx, this.owner, this.config.deploymentLeaseMs, heldMax));
      this.heldAt = moment;
      this.dropLost();
    }
    for (const row of this.rows) this.serve(row);
  }

  /** What another replica has taken is its own from now on, processes included. */
  private dropLost(): void {
    const mine = new Set(this.rows.map((row) => row.id));
    for (const id of [...this.held.keys()].filter((held) => !mine.has(held))) {
      this.held.delete(id);
      this.memberWatch.forget(id);
      this.dependencyWatch.forget(id);
      this.driftWatch.forget(id);
      this.autoscaler.forget(id);
      this.migrations
        .stop(id, 'another replica holds its deployment now')
        .catch((err: unknown) => log.error('migrations were not stopped', { deployment: id, err }));
      const agents = this.runner.agentsOf(id);
      if (agents.length === 0) continue;
      log.warn('a deployment was taken over by another replica', { deployment: id, agents });
      this.runner
        .stop(id, 'another replica runs it now')
        .catch((err: unknown) => log.error('workers were not stopped', { deployment: id, err }));
    }
  }

  /** At most one thing at a time happens to a deployment. */
  private serve(row: DeploymentRow): void {
    const held = this.held.get(row.id) ?? { startedAt: 0, advancing: null, nextAt: 0 };
    this.held.set(row.id, held);
    if (held.advancing || performance.now() < held.nextAt) return;
    const { pokes } = this;
    held.advancing = (row.started ? this.advanceOnce(row, held) : this.takeover.letGo(row).then(() => calmMs))
      .catch((err: unknown) => {
        log.warn('a deployment did not advance', { deployment: row.name, err });
        return calmMs;
      })
      .then((pauseMs) => {
        held.nextAt = pokes === this.pokes ? performance.now() + pauseMs : 0;
        held.advancing = null;
      });
  }

  /** How long to wait for the next look, in milliseconds. */
  private async advanceOnce(row: DeploymentRow, held: Held): Promise<number> {
    const startedAt = row.started_at!.getTime();
    if (held.startedAt === 0) await this.takeover.takeOver(row);
    else if (held.startedAt !== startedAt) await this.runner.retry(row.id);
    held.startedAt = startedAt;
    const isRolling = await this.processes.keep(row);
    for (let moves = 0; moves < movesMax && !this.isStopping; moves++) {
      const state = await this.advance.once(row);
      if (state !== 'moved') return state === 'moving' || isRolling ? busyMs : calmMs;
    }
    return 0;
  }
}
