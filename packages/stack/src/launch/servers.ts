import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCatalogue } from '@signalbox/shared/bus/catalogue.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { ensureEventStream } from '@signalbox/shared/bus/event-stream.js';
import type { DataLayout } from '../data-folder/layout.ts';
import { natsKeys } from '../data-folder/secrets.ts';
import { natsBinary, type NatsBinary } from '../nats/binary.ts';
import { credsOf, natsTrust } from '../nats/keys.ts';
import { permissionsOf } from '../nats/permissions.ts';
import { NatsServer } from '../nats/server.ts';
import { PostgresCluster } from '../postgres/cluster.ts';
import { ended } from '../processes.ts';
import type { Part, RunningPart } from '../services/supervised.ts';
import { StackFault } from '../stack-fault.ts';

/** PostgreSQL of our own as a part of the stack. After its first start it stays on its port. */
export class PostgresPart implements Part {
  readonly name = 'PostgreSQL';
  private port: number | undefined;
  private cluster: PostgresCluster | null = null;

  constructor(
    private readonly layout: DataLayout,
    private readonly password: string,
    private readonly write: (text: string) => void,
  ) {}

  async start(): Promise<RunningPart> {
    const { layout, password, write } = this;
    const cluster = await PostgresCluster.start({
      folder: layout.postgres,
      binariesFolder: layout.bin,
      password,
      onLog: write,
      ...(this.port !== undefined && { port: this.port }),
    });
    this.cluster = cluster;
    this.port = cluster.port;
    return { pid: cluster.pid, exited: howEnded(cluster.process), stop: () => cluster.stop() };
  }

  url(database?: string): string {
    if (!this.cluster) throw new Error('PostgreSQL was not started');
    return this.cluster.url(database);
  }
}

/** Who logs in before all others: any service may make the stream of events. */
const firstName = 'registry';

/** nats-server of our own as a part of the stack. After its first start it stays on its port. */
export class NatsPart implements Part {
  readonly name = 'NATS';
  private port: number | undefined;
  private server: NatsServer | null = null;
  private binary: NatsBinary | null = null;

  constructor(
    private readonly layout: DataLayout,
    private readonly write: (text: string) => void,
  ) {}

  /** Finds or fetches the program. */
  async find(): Promise<NatsBinary> {
    return (this.binary ??= await natsBinary(this.layout.bin));
  }

  async start(): Promise<RunningPart> {
    const { layout, write } = this;
    const [binary, catalogue, keys] = await Promise.all([this.find(), loadCatalogue(), natsKeys(layout.natsKeysFile)]);
    const trust = await natsTrust(keys, (service) => permissionsOf(service, catalogue));
    await mkdir(layout.credsFolder, { recursive: true, mode: 0o700 });
    for (const service of serviceNames) {
      await writeFile(join(layout.credsFolder, `${service}.creds`), await credsOf(keys, service), { mode: 0o600 });
    }
    const start = (): Promise<NatsServer> =>
      NatsServer.start({
        binary: binary.path,
        folder: layout.nats,
        trust,
        onLog: write,
        ...(this.port !== undefined && { port: this.port }),
      });
    const server = await start().then(async (first) => ((await this.logIn(first)) ? first : first.stop().then(start)));
    this.server = server;
    this.port = server.port;
    return { pid: server.pid, exited: howEnded(server.process), stop: () => server.stop() };
  }

  /** The first to log in makes a new server load the account. Several who come at once may leave it without JetStream: nobody comes before this has ended. */
  private async logIn(server: NatsServer): Promise<boolean> {
    const connecting = connectBus({
      natsUrl: server.url,
      natsCreds: join(this.layout.credsFolder, `${firstName}.creds`),
      name: firstName,
    });
    // A first connection is waited for without end: not when there is nobody any more to connect to.
    const connection = await Promise.race([connecting, ended(server.process).then(() => null)]);
    if (connection === null) {
      void connecting.then((late) => late.close());
      return false;
    }
    try {
      await ensureEventStream(connection);
      return true;
    } catch (error) {
      this.write(`nats-server is started anew: ${(error as Error).message}\n`);
      return false;
    } finally {
      await connection.close();
    }
  }

  get url(): string {
    if (!this.server) throw new Error('NATS was not started');
    return this.server.url;
  }
}

async function howEnded(child: Parameters<typeof ended>[0]): Promise<string> {
  const { code, signal } = await ended(child);
  return signal ? `was ended by ${signal}` : `ended with code ${code}`;
}

/** Credentials for an existing NATS: one file a service must be there. */
export async function checkCreds(folder: string): Promise<void> {
  const missing: string[] = [];
  for (const service of serviceNames) await access(join(folder, `${service}.creds`)).catch(() => missing.push(`${service}.creds`));
  if (missing.length > 0)
    throw new StackFault(
      `NATS_CREDS_DIR (${folder}) has no ${missing.join(', ')}.`,
      'Make them by `signalbox nats init DIR`, or one .creds file for each service by your own means.',
    );
}
