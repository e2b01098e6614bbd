import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { EvalSettling } from './eval-settling.ts';
import { EvalStore } from './eval.store.ts';

const everyMs = 1_000;
/** An end that was not heard of, or could not be worked on, is noticed after this. */
const olderMs = 15_000;
/** A run that could not be started is tried again after this. */
const unstartedMs = 2_000;
/** What one round looks at; the next takes the rest. */
const roundMax = 20;

/** Looks after evals that run. Each replica does; a row that one has taken is left alone by the others, and its end is written once. */
@Injectable()
export class EvalWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private isStopping = false;

  constructor(
    private readonly system: SystemDatabase,
    private readonly evals: EvalStore,
    private readonly settling: EvalSettling,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.wake(), everyMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }

  /** Something may be due. */
  wake(): void {
    if (this.isStopping) return;
    this.round ??= this.look()
      .catch((err: unknown) => log.warn('evals were not looked after', { err }))
      .finally(() => (this.round = null));
  }

  private async look(): Promise<void> {
    const due = await this.system.run((tx) => this.evals.takeDue(tx, { olderMs, unstartedMs }, roundMax));
    for (const row of due) {
      if (this.isStopping) return;
      await this.settling.look(row).catch((err: unknown) => log.warn('an eval is looked at again later', { eval: row.id, err }));
    }
  }
}
