import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import type { Credential } from './credential.ts';

const flushEveryMs = 5_000;
/** Credentials used between two writes; beyond, their last use is written a little later. */
const waitingMax = 20_000;

const setLastUse = `SET last_used_at = greatest(t.last_used_at, to_timestamp(u.at / 1000.0))
  FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) AS u (workspace, id, at) WHERE t.workspace = u.workspace AND t.id = u.id`;
const writeSql = { api_key: `UPDATE api_key AS t ${setLastUse}`, browser_session: `UPDATE browser_session AS t ${setLastUse}` };

/** Remembers when keys and sessions were used last and writes it in batches, so that a use costs no write. */
@Injectable()
export class LastUse implements OnModuleInit, OnApplicationShutdown {
  private waiting = new Map<string, { workspace: string; at: number }>();
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly system: SystemDatabase) {}

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.writing = this.flush();
    }, flushEveryMs);
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.writing;
    await this.flush();
  }

  /** `id` is `key_…` or `sess_…`. */
  note({ workspace, id }: Pick<Credential, 'workspace' | 'id'>): void {
    if (this.waiting.size < waitingMax) this.waiting.set(id, { workspace, at: now() });
  }

  async flush(): Promise<void> {
    const used = [...this.waiting];
    this.waiting = new Map();
    try {
      await this.write('api_key', 'key', used);
      await this.write('browser_session', 'sess', used);
    } catch (err) {
      log.warn('the last use of credentials was not written', { err });
    }
  }

  private async write(table: keyof typeof writeSql, prefix: string, used: [string, { workspace: string; at: number }][]): Promise<void> {
    const rows = used.filter(([id]) => id.startsWith(`${prefix}_`));
    if (rows.length === 0) return;
    await this.system.source.query(writeSql[table], [
      rows.map(([, { workspace }]) => workspace),
      rows.map(([id]) => toUuid(id, prefix)),
      rows.map(([, { at }]) => at),
    ]);
  }
}
