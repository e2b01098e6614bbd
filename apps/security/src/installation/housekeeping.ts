import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { Checkpoints } from '../audit/checkpoints.ts';
import { SecurityConfig } from '../security.config.ts';
import { KeyRing } from '../signing/key-ring.ts';
import { AdminKeyImport } from './import-admin-key.ts';

const everyMs = 60_000;
/** Rows dropped at once, so that a long pause does not make a long transaction. */
const dropMax = 5_000;

/** What has ended is kept for a while, so that questions about it can be answered. */
const drops = [
  `DELETE FROM creation WHERE (workspace, principal, key) IN
     (SELECT workspace, principal, key FROM creation WHERE created_at < now() - interval '24 hours' LIMIT ${dropMax})`,
  `DELETE FROM revocation WHERE (workspace, id, at) IN (SELECT workspace, id, at FROM revocation WHERE at < now() - interval '1 hour' LIMIT ${dropMax})`,
  `DELETE FROM browser_session WHERE (workspace, id) IN
     (SELECT workspace, id FROM browser_session WHERE least(ended_at, expires_at) < now() - interval '7 days' LIMIT ${dropMax})`,
  `DELETE FROM access_grant WHERE (workspace, id) IN
     (SELECT workspace, id FROM access_grant WHERE revoked_at < now() - interval '7 days' LIMIT ${dropMax})`,
];

/** Prepares the service at its start, then turns signing keys and drops what is old, each minute. */
@Injectable()
export class Housekeeping implements OnModuleInit, OnApplicationShutdown {
  private timer: NodeJS.Timeout | null = null;
  private working: Promise<void> = Promise.resolve();

  constructor(
    private readonly config: SecurityConfig,
    private readonly system: SystemDatabase,
    private readonly keys: KeyRing,
    private readonly adminKey: AdminKeyImport,
    private readonly checkpoints: Checkpoints,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.keys.turn();
    await this.adminKey.run(this.config.adminKey);
    this.timer = setInterval(() => {
      this.working = this.work();
    }, everyMs);
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.working;
  }

  async work(): Promise<void> {
    try {
      await this.keys.turn();
      await this.checkpoints.noteAll();
      for (const drop of drops) await this.system.source.query(drop);
    } catch (err) {
      log.warn('signing keys and old rows were not looked after', { err });
    }
  }
}
