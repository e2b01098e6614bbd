import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Bus } from '../bus/bus.ts';
import { connectBus } from '../bus/connection.ts';
import type { ServiceName } from '../bus/contract.ts';
import { withDatabaseCa } from '../config/server-url.ts';
import { ServiceConfig } from '../config/service-config.ts';
import { getSigningKeys } from '../contracts/security/get-signing-keys.ts';
import { openDataSource, type Entities } from '../database/data-source.ts';
import { SystemDatabase, WorkspaceDatabase } from '../database/workspace-database.ts';
import { DenialCounter } from '../identity/denial-counter.ts';
import { IdentityBroker } from '../identity/identity-broker.ts';
import { RevocationWatch } from '../identity/revocation-watch.ts';
import { IdentityVerifier } from '../identity/verifier.ts';
import { Audit } from '../outbox/audit.ts';
import { Outbox } from '../outbox/outbox.ts';
import { SecretReader } from '../secrets/secret-reader.ts';
import { ServiceLifecycle } from './service-lifecycle.ts';

export interface ServiceModuleOptions<Config extends ServiceConfig = ServiceConfig> {
  name: ServiceName;
  /** Checked configuration: see `loadConfig`. It can be injected by its class. */
  config: Config;
  /** TypeORM rows; leave out where the service has no database. */
  entities?: Entities;
}

/**
 * What every service stands on: Bus, IdentityBroker, IdentityVerifier, RevocationWatch, DenialCounter, SecretReader, and with a database WorkspaceDatabase, SystemDatabase, Outbox and Audit.
 */
@Module({})
export class ServiceModule {
  static forRoot({ name, config, entities }: ServiceModuleOptions): DynamicModule {
    const base: Provider[] = [
      { provide: ServiceConfig, useValue: config },
      ...(config.constructor === ServiceConfig ? [] : [{ provide: config.constructor as new () => ServiceConfig, useValue: config }]),
      {
        provide: Bus,
        useFactory: async () => {
          const bus = new Bus(
            name,
            await connectBus({ natsUrl: config.natsUrl, natsCreds: config.natsCreds, natsCaFile: config.natsCaFile, name }),
          );
          bus.broker = new IdentityBroker(bus);
          return bus;
        },
      },
      { provide: IdentityBroker, inject: [Bus], useFactory: (bus: Bus) => bus.broker },
      {
        provide: IdentityVerifier,
        inject: [Bus],
        useFactory: (bus: Bus) =>
          new IdentityVerifier(name, async () => ({ keys: (await bus.request(getSigningKeys, {}, 'service')).keys })),
      },
      {
        provide: RevocationWatch,
        inject: [Bus, IdentityBroker, IdentityVerifier],
        useFactory: (bus: Bus, broker: IdentityBroker, verifier: IdentityVerifier) => new RevocationWatch(bus, broker, verifier),
      },
      { provide: SecretReader, inject: [Bus], useFactory: (bus: Bus) => new SecretReader(bus) },
      { provide: DenialCounter, inject: [Bus], useFactory: (bus: Bus) => new DenialCounter(bus) },
    ];
    const database: Provider[] = [
      {
        provide: WorkspaceDatabase,
        useFactory: async () =>
          new WorkspaceDatabase(
            await openDataSource(withDatabaseCa(config.databaseUrl, config.databaseCaFile), config.databasePool, entities ?? [], name),
          ),
      },
      {
        provide: SystemDatabase,
        useFactory: async () =>
          new SystemDatabase(
            await openDataSource(
              withDatabaseCa(config.systemDatabaseUrl, config.databaseCaFile),
              config.databasePool,
              entities ?? [],
              `${name}-system`,
            ),
          ),
      },
      {
        provide: Outbox,
        inject: [SystemDatabase, Bus],
        useFactory: (system: SystemDatabase, bus: Bus) => new Outbox(system, bus),
      },
      { provide: Audit, inject: [Outbox], useFactory: (outbox: Outbox) => new Audit(outbox, name) },
    ];
    const providers = entities ? [...base, ...database] : base;
    return {
      module: ServiceModule,
      global: true,
      providers: [...providers, ServiceLifecycle],
      exports: [...providers, ServiceLifecycle],
    };
  }
}
