import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { RegistryConfig } from '../registry.config.ts';
import { EvalSettling } from './eval-settling.ts';
import { EvalStore } from './eval.store.ts';

/** Rounds between looks at one eval. */
const rounds = 4;
/** What one round looks at; the next takes the rest. */
const roundMax = 20;

/** Looks after evals that run: events of all runs would be many to hear for the few that are evals. Each replica does; a row that one has taken is left alone by the others, and its end is written once. */
@Injectable()
export class EvalWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private isStopping = false;

  constructor(
    private readonly system: SystemDatabase,
    private readonly evals: EvalStore,
    private readonly settling: EvalSettling,
    private readonly config: RegistryConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      // A round that grades much is not followed by a queue of them.
      this.round ??= this.look()
        .catch((err: unknown) => log.warn('evals were not looked after', { err }))
        .finally(() => (this.round = null));
    }, this.config.evalLookMs / rounds);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  private async look(): Promise<void> {
    const due = await this.system.run((tx) => this.evals.takeDue(tx, this.config.evalLookMs, roundMax));
    for (const row of due) {
      if (this.isStopping) return;
      await this.settling.look(row).catch((err: unknown) => log.warn('an eval is looked at again later', { eval: row.id, err }));
    }
  }
}
