import { spawn, type ChildProcess } from 'node:child_process';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { commandOf, endProcess, ended, isAlive } from '../processes.ts';
import { StackFault } from '../stack-fault.ts';
import { postgresAccount, type Account } from './account.ts';
import { postgresBinaries, reachableBinaries, type PostgresBinaries } from './binaries.ts';

export const superuser = 'signalbox_admin';

export interface ClusterOptions {
  /** The cluster's own folder; made at first start. */
  folder: string;
  /** Of the superuser `signalbox_admin`. */
  password: string;
  /** Where copies of the programs go when PostgreSQL's account cannot reach the installed ones. */
  binariesFolder: string;
  /** Any free port if absent. */
  port?: number;
  /** Parameters of `postgresql.conf` beside ours. */
  settings?: Record<string, string>;
  /** Gets the server's log line by line, or in larger pieces. */
  onLog?: (text: string) => void;
}

/** Small enough for a laptop, safe enough for data that is kept: what is acknowledged is on the disk. */
const baseSettings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '48MB',
  max_connections: '160',
  max_wal_size: '512MB',
  password_encryption: 'scram-sha-256',
  fsync: 'on',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
  // Without these PostgreSQL 18 keeps three more processes for reads that a small database never waits for.
  io_method: 'sync',
  max_logical_replication_workers: '0',
};
const readyTimeoutMs = 60_000;
const stopGraceMs = 15_000;
const pollMs = 10;

/** A real PostgreSQL server of our own, on loopback. */
export class PostgresCluster {
  private constructor(
    readonly port: number,
    readonly process: ChildProcess,
    private readonly options: ClusterOptions,
  ) {}

  /** Makes the cluster if its folder is empty, ends what an earlier one left running, and waits until it answers. */
  static async start(options: ClusterOptions): Promise<PostgresCluster> {
    const account = await postgresAccount();
    const binaries = await reachableBinaries(await postgresBinaries(), account, options.binariesFolder);
    await prepare(options, binaries, account);
    await endLeftover(options.folder);
    for (let attempt = 0; ; attempt++) {
      const port = options.port ?? (await freePort());
      const cluster = new PostgresCluster(port, launch(options, binaries, account, port), options);
      try {
        await cluster.untilReady();
        return cluster;
      } catch (error) {
        await cluster.kill();
        if (options.port !== undefined || attempt === 2) throw error; // a port can be taken between our look and the server's
      }
    }
  }

  url(database = 'postgres', user = superuser, password = this.options.password): string {
    return `postgres://${user}:${password}@127.0.0.1:${this.port}/${database}`;
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** PostgreSQL writes `ready` into its pid file when it takes connections, in every language and version. */
  private async untilReady(): Promise<void> {
    let log = '';
    this.process.stderr?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4_000)));
    const end = performance.now() + readyTimeoutMs;
    while (performance.now() < end) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new StackFault(`PostgreSQL ended at its start. It said:\n${log.trim()}`, 'Correct what it names and start again.');
      }
      const [pid, , , , , , , status] = await pidFile(this.options.folder);
      if (Number(pid) === this.pid && status?.trim() === 'ready') return;
      await sleep(pollMs);
    }
    throw new StackFault(
      `PostgreSQL did not become ready within ${readyTimeoutMs / 1000} s. It said:\n${log.trim()}`,
      'Look at the disk and the load of this machine.',
    );
  }

  /** Ends it in order: open transactions are rolled back, all else is on the disk. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await endProcess(this.pid, ['SIGINT', 'SIGQUIT'], stopGraceMs);
  }

  /** Ends it as a crash would. Its own children notice by themselves. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await ended(this.process);
  }
}

async function pidFile(folder: string): Promise<string[]> {
  return (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
}

/** The port of a server that runs on the cluster's folder; null when none does. */
export async function runningPort(folder: string): Promise<number | null> {
  const [pid, , , port, , , , status] = await pidFile(folder);
  if (status?.trim() !== 'ready' || !(await isAlive(Number(pid))) || !(await commandOf(Number(pid))).includes(folder)) return null;
  return Number(port);
}

/** The major version of the data in a cluster's folder; null when there is no cluster yet. */
export async function clusterMajor(folder: string): Promise<number | null> {
  const text = await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => null);
  return text === null ? null : Number.parseInt(text, 10);
}

async function prepare(options: ClusterOptions, binaries: PostgresBinaries, account: Account | null): Promise<void> {
  const { folder } = options;
  const major = await clusterMajor(folder);
  if (major !== null && major !== binaries.major) {
    throw new StackFault(
      `The data in ${folder} is of PostgreSQL ${major}, and this Signalbox brings PostgreSQL ${binaries.major}.`,
      'Make a backup with the Signalbox that wrote it and restore that, or start with another data folder (--data DIR).',
    );
  }
  if (major !== null && (await readFile(join(folder, 'signalbox-initialised'), 'utf8').catch(() => null)) !== null) return;
  await rm(folder, { recursive: true, force: true }); // what an interrupted initdb leaves cannot be used
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 });
  if (account) await chown(folder, account.uid, account.gid);
  await initialise(options, binaries, account);
  await writeFile(join(folder, 'signalbox-initialised'), `${binaries.version}\n`);
}

async function initialise({ folder, password, onLog }: ClusterOptions, binaries: PostgresBinaries, account: Account | null): Promise<void> {
  const passwordFile = join(folder, '..', `.password-${process.pid}`);
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account) await chown(passwordFile, account.uid, account.gid);
  try {
    const child = spawn(
      binaries.initdb,
      [
        `--pgdata=${folder}`,
        `--username=${superuser}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The same order of strings on every machine: index and query do not depend on the system's libraries.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
      ],
      { ...account, env: serverEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-4_000);
        onLog?.(chunk.toString());
      });
    }
    const { code } = await ended(child);
    if (code !== 0)
      throw new StackFault(
        `PostgreSQL could not make its data folder ${folder}. It said:\n${said.trim()}`,
        'Correct what it names, or use another data folder (--data DIR).',
      );
  } finally {
    await rm(passwordFile, { force: true });
  }
}

function launch(options: ClusterOptions, binaries: PostgresBinaries, account: Account | null, port: number): ChildProcess {
  const settings = { ...baseSettings, ...options.settings, port: String(port) };
  const child = spawn(
    binaries.postgres,
    ['-D', options.folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      ...account,
      cwd: options.folder,
      env: serverEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true, // a session of its own: Ctrl-C in the terminal is for the launcher, which stops all in order
    },
  );
  child.on('error', () => undefined); // seen as an exit without a code
  child.stderr.on('data', (chunk: Buffer) => options.onLog?.(chunk.toString()));
  return child;
}

/** PostgreSQL gets nothing of our environment but what finds programs. */
function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

/** A launcher that was killed leaves its server running: it is ended, so that the folder can be opened again. */
async function endLeftover(folder: string): Promise<void> {
  const pid = Number((await pidFile(folder))[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  if ((await isAlive(pid)) && (await commandOf(pid)).includes(folder)) await endProcess(pid, ['SIGINT', 'SIGQUIT'], stopGraceMs);
  // The id may be of another process by now, which would make PostgreSQL refuse to start.
  await rm(join(folder, 'postmaster.pid'), { force: true });
}
