import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { RegistryConfig } from '../registry.config.ts';
import { RolloutMeasures } from './rollout-measures.ts';
import { RolloutStore } from './rollout.store.ts';
import { Rollouts } from './rollouts.ts';

/** What one round looks at; the next takes the rest. */
const roundMax = 500;

/** Looks after the rollouts that are under way, of the agents whose shards this replica has. */
@Injectable()
export class RolloutWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private isStopping = false;

  constructor(
    private readonly system: SystemDatabase,
    private readonly store: RolloutStore,
    private readonly measures: RolloutMeasures,
    private readonly rollouts: Rollouts,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      // A round that takes long is not followed by a queue of them.
      this.round ??= this.look()
        .catch((err: unknown) => log.warn('rollouts were not looked after', { err }))
        .finally(() => (this.round = null));
    }, this.config.rolloutLookMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  private async look(): Promise<void> {
    const open = await this.system.run((tx) => this.store.allOpen(tx, roundMax));
    for (const { workspace, id, agent_name: agent, version, stable } of open) {
      if (this.isStopping) return;
      if (!this.measures.isOurs(workspace, agent)) continue;
      const heard = { stable: this.measures.take(workspace, agent, stable), candidate: this.measures.take(workspace, agent, version) };
      await this.rollouts.look(workspace, id, heard).catch((err: unknown) => {
        this.measures.putBack(workspace, agent, [
          [stable, heard.stable],
          [version, heard.candidate],
        ]);
        log.warn('a rollout is looked at again later', { rollout: id, err });
      });
    }
  }
}
