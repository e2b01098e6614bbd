import { Injectable, Optional, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Bus } from '../bus/bus.ts';
import { SystemDatabase, WorkspaceDatabase } from '../database/workspace-database.ts';
import type { HealthCheck } from '../health/health-server.ts';
import { DenialCounter } from '../identity/denial-counter.ts';
import { RevocationWatch } from '../identity/revocation-watch.ts';
import { Outbox } from '../outbox/outbox.ts';
import { processClock, readDatabaseClock } from '../telemetry/clock.ts';
import { log } from '../telemetry/log.ts';

const clockEveryMs = 10_000;

/** Starts and stops what `ServiceModule` provides, and knows how to tell whether it works. */
@Injectable()
export class ServiceLifecycle implements OnModuleInit, OnApplicationShutdown {
  private clockTimer: NodeJS.Timeout | null = null;
  private readonly measures: (() => string)[] = [];

  constructor(
    private readonly bus: Bus,
    private readonly revocations: RevocationWatch,
    private readonly denials: DenialCounter,
    @Optional() private readonly system?: SystemDatabase,
    @Optional() private readonly outbox?: Outbox,
    @Optional() private readonly workspaces?: WorkspaceDatabase,
  ) {}

  async onModuleInit(): Promise<void> {
    this.revocations.start();
    if (!this.system) return;
    await this.measureClock();
    this.clockTimer = setInterval(
      () => void this.measureClock().catch((err: unknown) => log.warn('the database clock was not read', { err })),
      clockEveryMs,
    );
    this.outbox?.start();
  }

  /** What must work for the service to be ready. */
  checks(): Record<string, HealthCheck> {
    const { system, bus } = this;
    return {
      nats: async () => void (await bus.connection.rtt()),
      ...(system && { postgresql: async () => void (await system.source.query('SELECT 1')) }),
    };
  }

  /** Adds lines to `/metrics`, in the Prometheus text format: asked for each time that somebody reads it. */
  measure(lines: () => string): void {
    this.measures.push(lines);
  }

  metrics(): string {
    return this.measures.map((lines) => lines()).join('');
  }

  private async measureClock(): Promise<void> {
    const asked = processClock();
    const rows: { now: number }[] = await this.system!.source.query(`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`);
    readDatabaseClock(asked, rows[0]!.now, processClock());
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.clockTimer) clearInterval(this.clockTimer);
    await this.denials.stop();
    await this.revocations.stop();
    await this.outbox?.stop();
    await this.workspaces?.close();
    await this.system?.close();
    await this.bus.connection.drain().catch((err: unknown) => log.debug('the bus was closed before it was drained', { err }));
  }
}
