import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { entryOf } from '../bundle/entry.ts';
import { endLeftovers, recordProcesses } from '../data-folder/leftovers.ts';
import { lockDataFolder, type StackFile } from '../data-folder/lock.ts';
import { layoutOf } from '../data-folder/layout.ts';
import { emptyDataFolder, openDataFolder, type DataFolder } from '../data-folder/open.ts';
import { writePrivate } from '../data-folder/private-files.ts';
import { adminKey, databasePasswords } from '../data-folder/secrets.ts';
import { changeState, readState } from '../data-folder/state.ts';
import { freePort } from '../free-port.ts';
import { RotatedLog } from '../services/rotated-log.ts';
import { doorUrl, serviceEnvironment } from '../services/environment.ts';
import { servicePart } from '../services/service-process.ts';
import { Supervised, type Part } from '../services/supervised.ts';
import { StackFault } from '../stack-fault.ts';
import { checkPort } from './check-port.ts';
import { runExample } from './example.ts';
import type { LaunchOptions } from './options.ts';
import { migrateDatabase, setupForm } from './prepare-database.ts';
import type { Report } from './report.ts';
import { checkCreds, NatsPart, PostgresPart } from './servers.ts';
import { urlWith } from '../database/connect.ts';
import { databaseOf, setUpDatabase } from '../database/set-up.ts';

/** The door stops first, so that nothing new comes in, and the servers last, so that all else can end its work. */
const door: ServiceName = 'api-gateway';

/** All of Signalbox on one machine: servers and services, started in order, kept running, and ended in order. */
export class Stack {
  private readonly servers: Supervised[] = [];
  private readonly services: Supervised[] = [];
  private readonly logs: RotatedLog[] = [];
  private readonly stopping = new AbortController();
  private readonly management: Record<string, number> = {};
  private stopped: Promise<void> | null = null;
  private unlock: () => Promise<void> = () => Promise.resolve();
  private isUp = false;

  constructor(
    private readonly options: LaunchOptions,
    private readonly version: string,
    private readonly report: Report,
  ) {}

  get url(): string {
    return doorUrl(this.options, process.env);
  }

  /** Starts everything, and on the first start runs the example. Whatever fails, `stop` must follow. */
  async start(): Promise<void> {
    const { options, report } = this;
    const since = performance.now();
    this.unlock = await lockDataFolder(layoutOf(options.data));
    if (options.isFresh) await emptyDataFolder(options.data);
    const folder = await openDataFolder(options.data, this.version);
    const left = await endLeftovers(folder);
    if (left.length > 0) report.line(`  Ended what an earlier start had left running: ${left.join(', ')}`);
    await checkPort(options.port, options.host);
    const key = await adminKey(folder, options.adminKey);
    const { databaseUrl, passwordOf, natsUrl, credsFolder } = await this.startServers(folder);
    await this.startServices(folder, (service) =>
      serviceEnvironment(service, {
        layout: folder,
        databaseUrl,
        passwordOf,
        natsUrl,
        natsCaFile: options.natsCaFile,
        credsFolder,
        host: options.host,
        port: options.port,
        adminKey: key.key,
        inherited: process.env,
      }),
    );
    const stackFile: StackFile = { url: this.url, pid: process.pid, management: this.management };
    await writePrivate(folder.stackFile, `${JSON.stringify(stackFile, null, 2)}\n`);
    this.isUp = true;
    await this.recording; // whoever ends us from now on finds all of it noted
    report.line(`Started in ${((performance.now() - since) / 1000).toFixed(1)} s; data and logs are in ${folder.root}`);
    if (key.isNew) this.showKey(key.key, folder);
    await this.example(folder, key.key);
  }

  private async startServers(
    folder: DataFolder,
  ): Promise<{ databaseUrl: string; passwordOf: (role: string) => string; natsUrl: string; credsFolder: string }> {
    const passwords = await databasePasswords(folder);
    const passwordOf = (role: string): string => passwords.roles[role]!;
    const [databaseUrl, nats] = await settle([this.startDatabase(folder, passwords.superuser, passwordOf), this.startNats(folder)]);
    return { databaseUrl, passwordOf, ...nats };
  }

  private async startDatabase(folder: DataFolder, superuserPassword: string, passwordOf: (role: string) => string): Promise<string> {
    const { options, report } = this;
    let adminUrl = options.databaseUrl;
    let isSetUp = false;
    if (!adminUrl) {
      const part = new PostgresPart(folder, superuserPassword, this.logOf(folder, 'postgresql'));
      await report.stage(
        'PostgreSQL',
        () => this.run(part, this.servers, folder),
        () => `PostgreSQL runs${folder.isNew ? ', its data folder made' : ''}`,
      );
      adminUrl = part.url();
      isSetUp = (await readState(folder)).setup === setupForm;
    }
    if (!isSetUp) {
      await report.stage(
        'roles',
        () => setUpDatabase(adminUrl, passwordOf),
        () => 'Database, schemas and roles are there',
      );
      await changeState(folder, { setup: setupForm });
    }
    const url = urlWith(adminUrl, { database: databaseOf(adminUrl) });
    await migrateDatabase({ root: options.root, url, passwordOf }, folder, report);
    return url;
  }

  private async startNats(folder: DataFolder): Promise<{ natsUrl: string; credsFolder: string }> {
    const { natsUrl, natsCredsDir } = this.options;
    if (natsUrl) {
      await checkCreds(natsCredsDir);
      return { natsUrl, credsFolder: natsCredsDir };
    }
    const part = new NatsPart(folder, this.logOf(folder, 'nats'));
    const binary = await part.find();
    await this.report.stage(
      'NATS',
      () => this.run(part, this.servers, folder),
      () => `NATS ${binary.version} runs, from ${binary.from}`,
    );
    return { natsUrl: part.url, credsFolder: folder.credsFolder };
  }

  private async startServices(folder: DataFolder, environmentOf: (service: ServiceName) => Record<string, string>): Promise<void> {
    const starting: Promise<void>[] = [];
    const missing: string[] = [];
    const since = performance.now();
    for (const service of serviceNames) {
      const main = await entryOf(this.options.root, service);
      const isThere = await access(main).then(
        () => true,
        () => false,
      );
      if (!isThere) {
        missing.push(service);
        continue;
      }
      for (const name of this.replicasOf(service)) {
        const managementPort = await freePort();
        this.management[name] = managementPort;
        const part = servicePart({
          name,
          folder: join(this.options.root, 'apps', service),
          main,
          env: environmentOf(service),
          managementPort,
          write: this.logOf(folder, name),
        });
        starting.push(
          this.run(part, this.services, folder).then(() =>
            this.report.line(`  ${name} is ready (${((performance.now() - since) / 1000).toFixed(1)} s)`),
          ),
        );
      }
    }
    if (missing.length > 0)
      throw new StackFault(`These services are not built: ${missing.join(', ')}.`, 'Run `npm run build` and start again.');
    await settle(starting);
  }

  /** `execution`, `execution-2`, …: the processes of a service. */
  private replicasOf(service: ServiceName): string[] {
    const count = service === 'execution' ? this.options.owners : 1;
    return Array.from({ length: count }, (_, number) => (number === 0 ? service : `${service}-${number + 1}`));
  }

  /** Starts a part under supervision and remembers its process for a start after a kill. */
  private async run(part: Part, group: Supervised[], folder: DataFolder): Promise<void> {
    const recording: Part = {
      name: part.name,
      start: async (signal) => {
        // When all has crashed, services wait for the servers instead of failing without them.
        if (group === this.services) await Promise.all(this.servers.map((server) => server.whenRunning()));
        const running = await part.start(signal);
        queueMicrotask(() => this.record(folder));
        return running;
      },
    };
    const supervised = new Supervised(recording, (sentence) => this.report.line(`${new Date().toISOString()} ${sentence}`));
    group.push(supervised);
    if (this.stopping.signal.aborted) throw new StackFault('The start was interrupted.', 'Start again.');
    try {
      await supervised.start();
    } catch (error) {
      void this.stop().catch(() => undefined); // the others need not come up any more; `stop` is awaited by our caller
      throw error;
    }
  }

  private recording: Promise<void> = Promise.resolve();
  private record(folder: DataFolder): void {
    this.recording = this.recording
      .then(() => {
        const processes = [...this.services, ...this.servers].flatMap(({ name, pid }) => (pid === null ? [] : [{ name, pid }]));
        return recordProcesses(folder, processes);
      })
      .catch((error: Error) => this.report.line(`  The started processes could not be noted: ${error.message}`));
  }

  private logOf(folder: DataFolder, name: string): (text: string) => void {
    const log = new RotatedLog(join(folder.logs, `${name}.log`));
    this.logs.push(log);
    return (text) => log.write(text);
  }

  private showKey(key: string, folder: DataFolder): void {
    this.report.line();
    this.report.line(`The administrator's key, shown this once: ${key}`);
    this.report.line(`It is kept in ${folder.adminKeyFile}; the command line here finds it by itself.`);
  }

  private async example(folder: DataFolder, key: string): Promise<void> {
    const { options, report, stopping } = this;
    if (!options.hasExample || (await readState(folder)).isExampleDone) return;
    const isDone = await runExample({ root: options.root, url: this.url, key, report, signal: stopping.signal });
    if (isDone) await changeState(folder, { isExampleDone: true });
  }

  /** Ends everything that runs, in order, and leaves nothing behind. Safe at any time, and more than once. */
  stop(): Promise<void> {
    return (this.stopped ??= this.stopAll());
  }

  private async stopAll(): Promise<void> {
    this.stopping.abort();
    const isDoor = ({ name }: Supervised): boolean => name === door;
    await Promise.all(this.services.filter(isDoor).map((part) => part.stop()));
    await Promise.all(this.services.filter((part) => !isDoor(part)).map((part) => part.stop()));
    await Promise.all(this.servers.map((part) => part.stop()));
    await this.recording.catch(() => undefined);
    for (const log of this.logs) log.close();
    if (this.isUp) await rm(layoutOf(this.options.data).stackFile, { force: true });
    await this.unlock();
  }
}

/** All results, or the first failure, but only once all have ended: nothing starts behind our back. */
async function settle<const T extends readonly Promise<unknown>[]>(promises: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  let first: { reason: unknown } | null = null;
  for (const promise of promises) promise.catch((reason: unknown) => (first ??= { reason }));
  await Promise.allSettled(promises);
  if (first) throw (first as { reason: unknown }).reason;
  return Promise.all(promises);
}
