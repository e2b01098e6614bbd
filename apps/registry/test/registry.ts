import 'reflect-metadata';
import { startService, type ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { createKey } from '@signalbox/shared/contracts/security/create-key.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import type { DynamicModule, Type } from '@nestjs/common';
import { RegistryConfig } from '../src/registry.config.ts';
import { RegistryModule } from '../src/registry.module.ts';

/** Another workspace than the tests' own. */
export const otherWorkspace = '01900000-0000-7000-8000-0000000000ff';

export interface RegistryUnderTest extends AsyncDisposable {
  service: ServiceUnderTest;
  /** Keys made for workers that were not taken back. */
  keys: Map<string, { id: string; agent: string }>;
  /** Grants that were given back. */
  revoked: string[];
}

/** The registry on real NATS and PostgreSQL, beats fast enough for tests; `security` is answered for. */
export async function startRegistry(env: Record<string, string> = {}): Promise<RegistryUnderTest> {
  const revoked: string[] = [];
  const keys = new Map<string, { id: string; agent: string }>();
  // The configuration is read at each start, as in `main.ts`.
  const module = (): DynamicModule => RegistryModule.forRoot(loadConfig(RegistryConfig));
  const service = await startService(module as unknown as () => Type, {
    service: 'registry',
    env: { HEARTBEAT_MS: '300', MISSED_BEATS: '3', DEPLOYMENT_LEASE_MS: '1000', ...env },
    before: async (peers) => {
      await peers.answer(createKey, ({ agent, name }) => {
        const id = newId('key');
        keys.set(id, { id: agent!.id, agent: agent!.name });
        const at = new Date().toISOString();
        return {
          ...{
            id,
            name,
            principal: agent!.id,
            principalName: agent!.name,
            scopes: [],
            roles: ['agent' as const],
            createdAt: at,
            createdBy: 'user_test',
          },
          ...{ expiresAt: null, lastUsedAt: null, revokedAt: null, key: `sbx_test_${id}` },
        };
      });
      await peers.answer(revokeKey, ({ id }) => {
        const agent = keys.get(id)?.agent ?? 'unknown';
        keys.delete(id);
        const at = new Date().toISOString();
        return {
          ...{
            id,
            name: 'worker',
            principal: newId('agent'),
            principalName: agent,
            scopes: [],
            roles: ['agent' as const],
            createdAt: at,
            createdBy: 'user_test',
          },
          ...{ expiresAt: null, lastUsedAt: null, revokedAt: at },
        };
      });
      await peers.answer(revokeGrant, ({ grant }) => {
        revoked.push(grant);
        return { ended: true };
      });
    },
  });
  return { service, keys, revoked, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

/** A manifest of an agent. */
export function agentManifest(
  name: string,
  spec: Record<string, unknown> = { kind: 'worker' },
  metadata: Record<string, unknown> = {},
): Record<string, unknown> {
  return { apiVersion: 'signalbox.dev/v1', kind: 'Agent', metadata: { name, ...metadata }, spec };
}

/** A manifest of a deployment. */
export function deploymentManifest(
  name: string,
  agents: Record<string, unknown>[],
  metadata: Record<string, unknown> = {},
  members: Record<string, unknown>[] = [],
): Record<string, unknown> {
  const spec = { ...(agents.length > 0 && { agents }), ...(members.length > 0 && { members }) };
  return { apiVersion: 'signalbox.dev/v1', kind: 'Deployment', metadata: { name, ...metadata }, spec };
}

/** Looks every 50 ms until `look` answers something, or fails after `timeoutMs`. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false | null>, timeoutMs = 20_000): Promise<T> {
  for (const end = performance.now() + timeoutMs; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    // Who waits for something is told late now and then on a busy machine, and looks again.
    const found = await look().catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'timeout') return null;
      throw error;
    });
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what}: not seen within ${timeoutMs} ms`);
  }
}
