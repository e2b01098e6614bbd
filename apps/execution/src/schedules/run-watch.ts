import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { watchKey } from '../runs/run-events.ts';
import { Engine } from '../shards/engine.ts';

/** What another replica was told of is seen after this. */
const refreshMs = 1_000;
/** Workflows that are waited for, of all workspaces. */
const watchedMax = 100_000;

/** Keeps the engine told of workflows whose runs' ends somebody waits for: only those cost an event of their own. */
@Injectable()
export class RunWatch implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> = Promise.resolve();

  constructor(
    private readonly system: SystemDatabase,
    private readonly engine: Engine,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.refresh().catch((err: unknown) => log.warn('it is not known yet which ends of runs are waited for', { err }));
    this.timer = setInterval(() => {
      this.refreshing = this.refresh().catch((err: unknown) => log.warn('it was not read which ends of runs are waited for', { err }));
    }, refreshMs);
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.refreshing;
  }

  async refresh(): Promise<void> {
    const rows: { workspace: string; workflow: string }[] = await this.system.source.query(
      `SELECT workspace, watched AS workflow FROM trigger WHERE watched IS NOT NULL AND paused_at IS NULL
       UNION SELECT workspace, workflow FROM schedule WHERE queued_time IS NOT NULL LIMIT $1`,
      [watchedMax],
    );
    this.engine.events.watched = new Set(rows.map(({ workspace, workflow }) => watchKey(workspace, workflow)));
  }
}
