import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { urlWith, withClient } from '@signalbox/stack/database/connect.js';
import { freePort } from '@signalbox/stack/free-port.js';
import { natsBinary } from '@signalbox/stack/nats/binary.js';
import { PostgresCluster } from '@signalbox/stack/postgres/cluster.js';
import { filesOf, natsConfigurationFile, openKeys } from '@signalbox/stack/setup/prepare.js';
import { until } from './stack-under-test.ts';

/** A PostgreSQL and a nats-server that are there already, as an administrator would give them. */
export class ServersUnderTest implements AsyncDisposable {
  private constructor(
    private readonly folder: string,
    readonly cluster: PostgresCluster,
    private readonly nats: ChildProcess,
    private readonly natsPort: number,
  ) {}

  static async start(): Promise<ServersUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-servers-'));
    await chmod(folder, 0o755);
    const cluster = await PostgresCluster.start({
      folder: join(folder, 'postgres'),
      binariesFolder: join(folder, 'bin'),
      password: 'only-for-this-test',
    });
    // No superuser: what an administrator would rather give.
    await withClient(cluster.url('postgres'), (client) =>
      client.query(`CREATE ROLE installer LOGIN CREATEROLE CREATEDB BYPASSRLS PASSWORD 'installer'`),
    );
    const natsPort = await freePort();
    const nats = await startNats(folder, natsPort);
    return new ServersUnderTest(folder, cluster, nats, natsPort);
  }

  get databaseUrl(): string {
    return urlWith(this.cluster.url('postgres'), { user: 'installer', password: 'installer', database: 'agents' });
  }

  get natsUrl(): string {
    return `nats://127.0.0.1:${this.natsPort}`;
  }

  /** What names them to `npm start`. */
  get environment(): { DATABASE_URL: string; NATS_URL: string; NATS_CREDS_DIR: string } {
    return { DATABASE_URL: this.databaseUrl, NATS_URL: this.natsUrl, NATS_CREDS_DIR: join(this.folder, 'creds') };
  }

  natsListens(): Promise<boolean> {
    return listens(this.natsPort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.nats.kill();
    await this.cluster.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A nats-server with the operator and users of the set-up, and in `creds` the credentials of every service. */
async function startNats(folder: string, port: number): Promise<ChildProcess> {
  const keys = await openKeys(join(folder, 'setup'));
  const creds = join(folder, 'creds');
  await mkdir(creds);
  for (const service of serviceNames) {
    await writeFile(join(creds, `${service}.creds`), (await filesOf(service, keys, ''))['nats.creds']!, { mode: 0o600 });
  }
  const configuration = join(folder, 'nats-server.conf');
  const text = await natsConfigurationFile(keys);
  await writeFile(configuration, text.replace(/store_dir: \S+/, `store_dir: "${join(folder, 'jetstream')}"`));
  const { path } = await natsBinary(join(folder, 'bin'));
  const nats = spawn(path, ['-c', configuration, '-a', '127.0.0.1', '-p', String(port), '-m', String(await freePort())], {
    stdio: 'ignore',
  });
  await until('NATS listens', () => listens(port));
  return nats;
}

/** Whether anybody listens on this port of loopback. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
