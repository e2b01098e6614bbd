import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { UploadStore } from './artifacts/upload.store.ts';

const sweepEveryMs = 60_000;
/** Idempotency keys are kept this long. */
const keyHours = 24;
/** Rows of one table that one round touches, so that a round stays short. */
const rowsMax = 1_000;

const keysForgotten = [
  `UPDATE artifact SET idempotency_key = NULL WHERE (workspace, id) IN (SELECT workspace, id FROM artifact
   WHERE idempotency_key IS NOT NULL AND created_at < now() - $1 * interval '1 hour' LIMIT $2)`,
  `UPDATE thread SET idempotency_key = NULL WHERE (workspace, id) IN (SELECT workspace, id FROM thread
   WHERE idempotency_key IS NOT NULL AND created_at < now() - $1 * interval '1 hour' LIMIT $2)`,
  `UPDATE message SET idempotency_key = NULL WHERE (workspace, thread, seq) IN (SELECT workspace, thread, seq FROM message
   WHERE idempotency_key IS NOT NULL AND created_at < now() - $1 * interval '1 hour' LIMIT $2)`,
];

/** Forgets in the background what has had its time: unfinished uploads, and idempotency keys. */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();

  constructor(
    private readonly uploads: UploadStore,
    private readonly system: SystemDatabase,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweep().catch((err: unknown) => log.warn('old rows were not swept', { err }));
    }, sweepEveryMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.sweeping;
  }

  async sweep(): Promise<void> {
    await this.uploads.sweep();
    for (const statement of keysForgotten) await this.system.run((tx) => tx.query(statement, [keyHours, rowsMax]));
  }
}
