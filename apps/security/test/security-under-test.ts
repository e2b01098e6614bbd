import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { createKey, type CreateKeyReply, type CreateKeyRequest } from '@signalbox/shared/contracts/security/create-key.js';
import { createPrincipal } from '@signalbox/shared/contracts/security/create-principal.js';
import { listAudit, type ListAuditRequest } from '@signalbox/shared/contracts/security/list-audit.js';
import type { AuditEntry } from '@signalbox/shared/contracts/security/audit-entry.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { IdentityBroker } from '@signalbox/shared/identity/identity-broker.js';
import type { Role } from '@signalbox/shared/identity/roles.js';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { SecurityConfig } from '../src/security.config.ts';
import { SecurityModule } from '../src/security.module.ts';

export const adminKey = 'sbx_test_administrator_key';

/** The service on real servers, with keys of its own making. */
export class SecurityUnderTest implements AsyncDisposable {
  private constructor(
    readonly service: ServiceUnderTest,
    readonly folder: string,
    private readonly env: Record<string, string>,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<SecurityUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'sb-security-'));
    const settings = { ADMIN_KEY: adminKey, MASTER_KEY_FILE: join(folder, 'master.key'), ...env };
    const service = await startService(() => SecurityModule.forRoot(loadConfig(SecurityConfig)) as never, {
      service: 'security',
      env: settings,
    });
    return new SecurityUnderTest(service, folder, settings);
  }

  /** Stops it and starts it again, with these settings changed. */
  async restart(env: Record<string, string> = {}): Promise<void> {
    await this.service.stop();
    Object.assign(this.env, env);
    await this.service.start();
  }

  /** A bus that speaks as a service and trades credentials as it does. */
  async as(name: ServiceName): Promise<Bus> {
    const bus = await this.service.bus.as(name);
    bus.broker = new IdentityBroker(bus);
    return bus;
  }

  /** The caller that shows a key at the gateway. */
  async caller(key: string = adminKey): Promise<Caller> {
    return (await (await this.as('api-gateway')).broker.callerOfCredential('key', key)).caller;
  }

  /** A key made by the administrator, or by another caller. */
  async key(request: Partial<CreateKeyRequest> = {}, by?: Caller): Promise<CreateKeyReply> {
    const gateway = await this.as('api-gateway');
    return gateway.request(createKey, { name: 'a key', ...request }, by ?? (await this.caller()));
  }

  /** A new user with these roles, and what a key of it makes. */
  async user(
    name: string,
    roles: Role[],
    key: Partial<CreateKeyRequest> = {},
  ): Promise<{ id: string; key: CreateKeyReply; caller: Caller }> {
    const gateway = await this.as('api-gateway');
    const { id } = await gateway.request(createPrincipal, { kind: 'user', name, roles }, await this.caller());
    const made = await this.key({ principal: id, ...key });
    return { id, key: made, caller: await this.caller(made.key) };
  }

  /** The audit, once it has at least one entry as asked for. */
  async audit(filter: ListAuditRequest, least = 1): Promise<AuditEntry[]> {
    const gateway = await this.as('api-gateway');
    const admin = await this.caller();
    return eventually(async () => {
      const { data } = await gateway.request(listAudit, filter, admin);
      if (data.length < least) throw new Error(`the audit has ${data.length} entries of ${JSON.stringify(filter)}`);
      return data;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.service[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Tries again until it holds, for at most 5 s. */
export async function eventually<T>(attempt: () => Promise<T>, withinMs = 5_000): Promise<T> {
  const until = Date.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
