import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { shardCount } from '@signalbox/shared/shards/shard-count.js';
import { entryOf } from '@signalbox/stack/bundle/entry.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';

/** As the launcher starts it: from one file if there is one of what is built now, in half the time. */
const entry = await entryOf(fileURLToPath(new URL('../../..', import.meta.url)), 'execution');

/** The service as a process of its own, on a test's servers. */
export class OwnerProcess {
  private readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;

  constructor(service: ServiceUnderTest) {
    this.child = spawn(process.execPath, [entry], {
      stdio: ['ignore', process.env['SHOW_OWNER'] ? 'inherit' : 'ignore', 'inherit'],
      env: {
        ...process.env,
        DATABASE_URL: service.database.url('request'),
        SYSTEM_DATABASE_URL: service.database.url('system'),
        NATS_URL: service.bus.url,
        NATS_CREDS: service.bus.credsFile('execution'),
        MANAGEMENT_PORT: '0',
        LOG_LEVEL: 'info',
      },
    });
    this.exitCode = new Promise((resolve) => this.child.once('exit', resolve));
  }

  /** Ends it as a crash would. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Asks it to end in order. */
  end(): void {
    this.child.kill('SIGTERM');
  }

  /** It stands still until `goOn`. */
  halt(): void {
    this.child.kill('SIGSTOP');
  }

  goOn(): void {
    this.child.kill('SIGCONT');
  }
}

/** Waits until so many replicas share all shards, none with less than half of its part. */
export async function untilShared(service: ServiceUnderTest, replicas: number, timeoutMs = 55_000): Promise<void> {
  for (const until = performance.now() + timeoutMs; ; await sleep(50)) {
    const shares = await service.database.sql<{ shards: number }>(
      `SELECT count(*)::int AS shards FROM shard s JOIN replica r ON r.owner = s.owner AND r.lease_until > now() GROUP BY s.owner`,
    );
    const all = shares.reduce((sum, { shards }) => sum + shards, 0);
    if (shares.length === replicas && all === shardCount && shares.every(({ shards }) => shards > shardCount / replicas / 2)) return;
    if (performance.now() > until) throw new Error(`${replicas} replicas do not share the shards in time: ${JSON.stringify(shares)}`);
  }
}
