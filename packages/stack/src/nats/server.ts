import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, endProcess, ended, isAlive } from '../processes.ts';
import { StackFault } from '../stack-fault.ts';
import type { NatsTrust } from './keys.ts';

export interface NatsServerOptions {
  /** The program. */
  binary: string;
  /** Its own folder: configuration, pid file and JetStream's store. */
  folder: string;
  trust: NatsTrust;
  /** Any free port if absent. */
  port?: number;
  onLog?: (text: string) => void;
}

const readyTimeoutMs = 15_000;
const stopGraceMs = 5_000;
const pollMs = 5;

/** A real nats-server with JetStream, on loopback, that lets in nobody without credentials. */
export class NatsServer {
  private constructor(
    readonly port: number,
    readonly process: ChildProcess,
  ) {}

  /** Ends what an earlier one left running, writes the configuration and waits until the server listens. */
  static async start(options: NatsServerOptions): Promise<NatsServer> {
    const { binary, folder, onLog } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await endLeftover(folder);
    const config = join(folder, 'nats-server.conf');
    await writeFile(config, configuration(options), { mode: 0o600 });
    const child = spawn(binary, ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'], detached: true, env: { PATH: process.env.PATH } });
    let log = '';
    child.on('error', (error) => (log += error.message));
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4_000);
      onLog?.(chunk.toString());
    });
    const end = performance.now() + readyTimeoutMs;
    while (performance.now() < end) {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) break;
      const port = await portOf(folder, child.pid);
      if (port !== null) return new NatsServer(port, child);
      await sleep(pollMs);
    }
    if (child.pid !== undefined) child.kill('SIGKILL');
    await sleep(0); // the reason why a program cannot be run comes as an event
    throw new StackFault(`nats-server (${binary}) did not start. It said:\n${log.trim()}`, 'Correct what it names and start again.');
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process.pid!;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await endProcess(this.pid, ['SIGINT', 'SIGTERM'], stopGraceMs);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await ended(this.process);
  }
}

/** Whom the server trusts, as part of its configuration. */
export function trustConfiguration({ operatorJwt, systemAccount, account }: NatsTrust): string {
  return `operator: ${operatorJwt}
system_account: ${systemAccount.id}
resolver: MEMORY
resolver_preload: {
  ${systemAccount.id}: ${systemAccount.jwt}
  ${account.id}: ${account.jwt}
}
`;
}

function configuration({ folder, trust, port }: NatsServerOptions): string {
  return `# Written at each start of Signalbox.
server_name: signalbox
listen: "127.0.0.1:${port ?? -1}"
pid_file: ${JSON.stringify(join(folder, 'nats-server.pid'))}
ports_file_dir: ${JSON.stringify(folder)}
max_payload: 1MB
max_connections: 512
ping_interval: "10s"
authorization: { timeout: 10 }
${trustConfiguration(trust)}jetstream: {
  store_dir: ${JSON.stringify(join(folder, 'jetstream'))}
  max_memory_store: 64MB
  max_file_store: 1GB
}
`;
}

/** The server names its ports in a file once it listens; the file's name ends in the server's process id. */
async function portOf(folder: string, pid: number): Promise<number | null> {
  const file = (await readdir(folder)).find((name) => name.endsWith(`_${pid}.ports`));
  if (!file) return null;
  try {
    const { nats } = JSON.parse(await readFile(join(folder, file), 'utf8')) as { nats: string[] };
    return Number(new URL(nats[0]!).port);
  } catch {
    return null; // being written
  }
}

async function endLeftover(folder: string): Promise<void> {
  const pidPath = join(folder, 'nats-server.pid');
  const pid = Number(await readFile(pidPath, 'utf8').catch(() => ''));
  if (Number.isInteger(pid) && pid > 1 && (await isAlive(pid)) && (await commandOf(pid)).includes(folder)) {
    await endProcess(pid, ['SIGINT'], stopGraceMs);
  }
  await rm(pidPath, { force: true });
  for (const name of await readdir(folder)) if (name.endsWith('.ports')) await rm(join(folder, name), { force: true });
}
