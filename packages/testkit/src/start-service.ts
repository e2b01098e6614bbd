import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstream } from '@nats-io/jetstream';
import type { DynamicModule, Type } from '@nestjs/common';
import type { Contract, EventContract, ServiceName } from '@signalbox/shared/bus/contract.js';
import { ping } from '@signalbox/shared/bus/ping.js';
import { ensureEventStream } from '@signalbox/shared/bus/event-stream.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { ServiceConfig } from '@signalbox/shared/config/service-config.js';
import { listenOnBus, type RunningService } from '@signalbox/shared/service/run-service.js';
import { loadMigrations, type Migration } from '@signalbox/stack/database/migrations.js';
import { EventRecorder } from './event-recorder.ts';
import { TestBus, type PeerHandler, type TestRequestOptions } from './test-bus.ts';
import { TestDatabase } from './test-database.ts';
import { defaultWorkspace } from './test-issuer.ts';

const reconnectMs = 10_000;

export interface StartServiceOptions {
  service: ServiceName;
  /** A folder or a list; `src/migrations` of the package under test if absent. */
  migrations?: string | URL | readonly Migration[];
  /** Environment of the service's configuration, beside the URLs that are made here. */
  env?: Record<string, string>;
  /** Called when the bus is there and the service not yet: for peers that it asks while it starts. */
  before?: (peers: TestBus) => Promise<void>;
  /** A PostgreSQL of the test's own instead of the shared one: the superuser's URL. */
  postgresUrl?: string;
  /** Where the service finds NATS instead of the server itself: behind a proxy that makes faults. */
  natsUrl?: (url: string) => string;
  /** Likewise for PostgreSQL. */
  databaseUrl?: (url: string) => string;
}

/** A service's module, or what makes it once the configuration can be read. */
export type ServiceUnderTestModule = Type | (() => Type | Promise<Type>);

/** One service on a real NATS with the real rights of its user, and on a real PostgreSQL with its roles and migrations. */
export class ServiceUnderTest {
  private running: RunningService | null = null;

  constructor(
    private readonly module: ServiceUnderTestModule,
    private readonly options: StartServiceOptions,
    /** NATS, identities and peers. */
    readonly bus: TestBus,
    /** Its database; `sql` looks past row security. */
    readonly database: TestDatabase,
  ) {}

  /** The Nest application, for what has no contract. */
  get app(): RunningService['app'] {
    if (!this.running) throw new Error('the service does not run');
    return this.running.app;
  }

  /** Asks the service; see TestRequestOptions for who asks. */
  request<Request extends object, Reply extends object>(
    contract: Contract<Request, Reply>,
    body: NoInfer<Request>,
    options: TestRequestOptions = {},
  ): Promise<Reply> {
    return this.bus.request(contract, body, options);
  }

  /** Answers for another service. */
  answer<Request extends object, Reply extends object>(
    contract: Contract<Request, Reply>,
    handler: PeerHandler<Request, Reply>,
  ): Promise<void> {
    return this.bus.answer(contract, handler);
  }

  /** Records an event from now on. */
  async record<Payload extends object>(event: EventContract<Payload>): Promise<EventRecorder<Payload>> {
    const recorder = new EventRecorder(this.bus.connection, event);
    await this.bus.connection.flush();
    return recorder;
  }

  /** Publishes an event of another service, durable or live as its contract says. */
  async publish<Payload extends object>(
    event: EventContract<Payload>,
    payload: NoInfer<Payload>,
    facts: Partial<Omit<EventEnvelope, 'payload'>> = {},
  ): Promise<void> {
    const envelope: EventEnvelope = {
      id: randomUUID(),
      workspace: defaultWorkspace,
      entity: 'test',
      version: 1,
      at: Date.now(),
      ...facts,
      payload,
    };
    const { connection } = this.bus;
    if (event.durable) {
      await ensureEventStream(connection);
      await jetstream(connection, { checkAPI: false }).publish(event.subject, JSON.stringify(envelope), { msgID: envelope.id });
    } else {
      connection.publish(event.subject, JSON.stringify(envelope));
      await connection.flush();
    }
  }

  /** Starts it, at first or again. */
  async start(): Promise<void> {
    const { service, env = {}, natsUrl = same, databaseUrl = same } = this.options;
    const urls = {
      databaseUrl: databaseUrl(this.database.url('request')),
      systemDatabaseUrl: databaseUrl(this.database.url('system')),
      natsUrl: natsUrl(this.bus.url),
      natsCreds: this.bus.credsFile(service),
    };
    Object.assign(process.env, env, {
      DATABASE_URL: urls.databaseUrl,
      SYSTEM_DATABASE_URL: urls.systemDatabaseUrl,
      NATS_URL: urls.natsUrl,
      NATS_CREDS: urls.natsCreds,
      MANAGEMENT_PORT: '0',
    });
    const module = isClass(this.module) ? this.module : await this.module();
    // A module that read its configuration when it was imported gets this test's servers now.
    for (const config of configsOf(module)) Object.assign(config, urls);
    this.running = await listenOnBus(module, service);
  }

  /** Stops it as SIGTERM would. */
  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  /** Ends NATS as a crash would, starts it again after `awayMs`, and waits until the service answers there; see TestBus.restart. */
  async restartNats(awayMs = 0, meanwhile?: (store: string) => Promise<void>): Promise<void> {
    const { service } = this.options;
    await this.bus.restart(awayMs, meanwhile);
    for (const end = performance.now() + reconnectMs; ;) {
      const isBack = await this.bus.request(ping[service], {}, { timeoutMs: 200 }).then(
        () => true,
        () => false,
      );
      if (isBack) return;
      if (performance.now() > end) throw new Error(`${service} did not come back to NATS within ${reconnectMs} ms`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      await this.bus[Symbol.asyncDispose]();
      await this.database[Symbol.asyncDispose]();
    }
  }
}

/** Starts a service for a test, fresh in everything. `await using` ends it. */
export async function startService(module: ServiceUnderTestModule, options: StartServiceOptions): Promise<ServiceUnderTest> {
  const { service, before, postgresUrl } = options;
  const migrations = await migrationsOf(options.migrations ?? resolve('src/migrations'));
  const database = await TestDatabase.create(service, postgresUrl);
  const bus = await TestBus.start({ withSecurity: service !== 'security' });
  const started = new ServiceUnderTest(module, options, bus, database);
  try {
    await database.migrate(migrations);
    await before?.(bus);
    await started.start();
    return started;
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}

async function migrationsOf(given: string | URL | readonly Migration[]): Promise<readonly Migration[]> {
  if (given instanceof URL) return loadMigrations(fileURLToPath(given));
  return typeof given === 'string' ? loadMigrations(given) : given;
}

function isClass(module: ServiceUnderTestModule): module is Type {
  return /^class\b/.test(Function.prototype.toString.call(module));
}

function same(url: string): string {
  return url;
}

/** The configuration objects that a module gives to `ServiceModule.forRoot`. */
function configsOf(module: Type): ServiceConfig[] {
  const imports = (Reflect.getMetadata('imports', module) ?? []) as (DynamicModule | Type)[];
  return imports
    .flatMap((imported) => ('providers' in imported ? (imported.providers ?? []) : []))
    .flatMap((provider) =>
      typeof provider === 'object' && 'useValue' in provider && provider.useValue instanceof ServiceConfig ? [provider.useValue] : [],
    );
}
