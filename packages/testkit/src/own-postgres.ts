import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresCluster } from '@signalbox/stack/postgres/cluster.js';
import { startTestPostgres } from './test-postgres.ts';

/** A PostgreSQL of a test's own, which it may end and start again while services use it. What is acknowledged is on the disk. */
export class OwnPostgres {
  private constructor(
    private cluster: PostgresCluster,
    private readonly folder: string,
    private readonly password: string,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-test-own-'));
    await chmod(folder, 0o755);
    const cluster = await startTestPostgres(folder, { durable: true });
    return new OwnPostgres(cluster, folder, new URL(cluster.url()).password);
  }

  /** The superuser's URL: the same before and after a restart. */
  get url(): string {
    return this.cluster.url();
  }

  /** Ends it as a crash does, and starts it again on the same port after a while. */
  async restart({ awayMs = 0, isCrash = true } = {}): Promise<void> {
    await this.end(isCrash);
    if (awayMs > 0) await new Promise((resolve) => setTimeout(resolve, awayMs));
    await this.startAgain();
  }

  /** Ends it: as a crash, or in order. */
  async end(isCrash = true): Promise<void> {
    await (isCrash ? this.cluster.kill() : this.cluster.stop());
  }

  /** Starts it again on the same port, with the data that it had. */
  async startAgain(): Promise<void> {
    this.cluster = await startTestPostgres(this.folder, { durable: true, port: this.cluster.port, password: this.password });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
