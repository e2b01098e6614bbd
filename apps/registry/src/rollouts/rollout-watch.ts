import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { RegistryConfig } from '../registry.config.ts';
import { MirrorJudges } from './mirror-judges.ts';
import { MirrorMeasures } from './mirror-measures.ts';
import { MirrorStore } from './mirror.store.ts';
import { RolloutMeasures } from './rollout-measures.ts';
import { RolloutStore } from './rollout.store.ts';
import { Rollouts } from './rollouts.ts';

/** What one round looks at; the next takes the rest. */
const roundMax = 500;

/** So often pairs that are too old are let go, as many at a time. */
const forgetMs = 600_000;
const forgetMax = 10_000;

/** Looks after the rollouts that are under way, of the agents whose shards this replica has. */
@Injectable()
export class RolloutWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private isStopping = false;
  /** Where the next round goes on; undefined: with the first. */
  private after: string | undefined;
  private forgotAt = 0;

  constructor(
    private readonly system: SystemDatabase,
    private readonly store: RolloutStore,
    private readonly measures: RolloutMeasures,
    private readonly mirrors: MirrorMeasures,
    private readonly pairs: MirrorStore,
    private readonly judges: MirrorJudges,
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
    const open = await this.system.run((tx) => this.store.allOpen(tx, roundMax, this.after));
    this.after = open.length < roundMax ? undefined : open.at(-1)?.id;
    if (now() - this.forgotAt >= forgetMs) {
      this.forgotAt = now();
      await this.system.run((tx) => this.pairs.forget(tx, forgetMax));
    }
    await this.judges.letGo().catch((err: unknown) => log.warn('the rights of rollouts that have ended are given back later', { err }));
    for (const { workspace, id, agent_name: agent, version, stable, created_at: begunAt } of open) {
      if (this.isStopping) return;
      if (!this.measures.isOurs(workspace, agent)) continue;
      const heard = {
        stable: this.measures.take(workspace, agent, stable, begunAt),
        candidate: this.measures.take(workspace, agent, version, begunAt),
        mirrors: this.mirrors.take(fromUuid('rollout', id)),
      };
      const looked = this.rollouts.look(workspace, id, heard).then((row) => {
        if (row !== undefined && heard.mirrors !== undefined) this.judges.judge(row, heard.mirrors.pairs);
      });
      await looked.catch((err: unknown) => {
        this.measures.putBack(workspace, agent, [
          [stable, heard.stable],
          [version, heard.candidate],
        ]);
        this.mirrors.putBack(fromUuid('rollout', id), heard.mirrors);
        log.warn('a rollout is looked at again later', { rollout: id, err });
      });
    }
  }
}
