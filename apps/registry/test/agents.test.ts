import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { applyAgent, type ApplyAgentReply } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { deleteAgent } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { agentChanged } from '@signalbox/shared/contracts/registry/events.js';
import { getAgent } from '@signalbox/shared/contracts/registry/get-agent.js';
import { getSchema } from '@signalbox/shared/contracts/registry/get-schema.js';
import { listAgents } from '@signalbox/shared/contracts/registry/list-agents.js';
import { listAgentVersions } from '@signalbox/shared/contracts/registry/list-agent-versions.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { instancesMeasured } from '@signalbox/shared/contracts/execution/instances-measured.js';
import { breakerChanged } from '@signalbox/shared/contracts/protocol/breaker.js';
import { auditEvents } from '@signalbox/shared/outbox/audit.js';
import type { TestIdentity } from '@signalbox/testkit/test-issuer.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { agentManifest, deploymentManifest, otherWorkspace, startRegistry, type RegistryUnderTest } from './registry.ts';

let registry: RegistryUnderTest;
beforeAll(async () => {
  registry = await startRegistry();
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

type ApplyOptions = { dryRun?: boolean; expectedVersion?: number; as?: TestIdentity };
function apply(manifest: Record<string, unknown>, { as, ...rest }: ApplyOptions = {}): Promise<ApplyAgentReply> {
  const { name } = manifest['metadata'] as { name: string };
  return registry.service.request(applyAgent, { name, manifest, ...rest }, as ? { as } : {});
}

describe('applying an agent', () => {
  test('with unknown fields is refused, each with its place, and writes nothing', async () => {
    const manifest = { ...agentManifest('wrong', { kind: 'worker', wroker: {} }), owner: 'me', workspace: otherWorkspace };
    await expect(apply(manifest)).rejects.toMatchObject({
      code: 'invalid',
      errors: expect.arrayContaining([
        { pointer: '/owner', detail: 'is not a known field' },
        { pointer: '/workspace', detail: 'is not a known field' },
        { pointer: '/spec/wroker', detail: 'is not a known field; is worker meant?' },
      ]),
    });
    await expect(registry.service.request(getAgent, { name: 'wrong' })).rejects.toMatchObject({ code: 'not_found' });
  });

  test('under another name than its own is refused', async () => {
    await expect(registry.service.request(applyAgent, { name: 'one', manifest: agentManifest('two') })).rejects.toMatchObject({
      errors: [{ pointer: '/metadata/name', detail: 'must be one, the name in the address' }],
    });
  });

  test('is not for viewers and agents', async () => {
    for (const role of ['viewer', 'agent'] as const) {
      await expect(apply(agentManifest('theirs'), { as: { roles: [role] } })).rejects.toMatchObject({ code: 'forbidden' });
    }
  });

  test('that names a command is for administrators alone', async () => {
    const manifest = agentManifest('runs-code', { kind: 'worker', worker: { runner: 'local', command: ['node', 'x.js'] } });
    await expect(apply(manifest, { as: { roles: ['operator'] } })).rejects.toMatchObject({
      code: 'forbidden',
      detail: expect.stringContaining('commands:write'),
    });
    await expect(apply(manifest, { as: { roles: ['admin'] } })).resolves.toMatchObject({ action: 'created' });
  });

  test('first says what would be, then creates, then changes nothing', async () => {
    const manifest = agentManifest(
      'reader',
      { kind: 'worker', skills: [{ name: 'read', description: 'Reads a file.' }] },
      { labels: { team: 'docs' } },
    );
    const dry = await apply(manifest, { dryRun: true });
    expect(dry).toMatchObject({ action: 'created', resource: { name: 'reader', version: 1, status: 'unknown' } });
    expect(dry.changes).toContainEqual({ path: 'spec', to: manifest['spec'] });
    await expect(registry.service.request(getAgent, { name: 'reader' })).rejects.toMatchObject({ code: 'not_found' });

    const changed = await registry.service.record(agentChanged);
    const audits = await registry.service.record(auditEvents.registry);
    const created = await apply(manifest);
    expect(created).toMatchObject({
      action: 'created',
      resource: { version: 1, hash: dry.resource.hash, status: 'idle', labels: { team: 'docs' } },
    });
    await expect(changed.next(({ change }) => change === 'manifest')).resolves.toMatchObject({
      name: 'reader',
      version: 1,
      status: 'idle',
    });
    await expect(audits.next()).resolves.toMatchObject({ principal: 'user_test', action: 'agent.apply', target: 'agent reader' });

    const again = await apply({ spec: manifest['spec'], metadata: manifest['metadata'], kind: 'Agent', apiVersion: 'signalbox.dev/v1' });
    expect(again).toEqual({ action: 'unchanged', changes: [], resource: created.resource });
    expect(audits.heard).toHaveLength(1);
  });

  test('anew makes an immutable version and says what is different', async () => {
    await apply(agentManifest('writer'));
    const second = agentManifest('writer', { kind: 'worker', concurrency: 4 });
    await expect(apply(second, { dryRun: true })).resolves.toMatchObject({
      action: 'updated',
      changes: [{ path: 'spec.concurrency', to: 4 }],
      resource: { version: 2 },
    });
    await expect(apply(second)).resolves.toMatchObject({ action: 'updated', resource: { version: 2 } });
    const first = await apply(agentManifest('writer'));
    expect(first).toMatchObject({ action: 'updated', changes: [{ path: 'spec.concurrency', from: 4 }], resource: { version: 3 } });

    const page = await registry.service.request(listAgentVersions, { name: 'writer', limit: 2 });
    expect(page.data.map(({ version, current }) => [version, current])).toEqual([
      [3, true],
      [2, false],
    ]);
    const rest = await registry.service.request(listAgentVersions, { name: 'writer', limit: 2, cursor: page.nextCursor! });
    expect(rest).toMatchObject({
      data: [{ version: 1, hash: page.data[0]!.hash, createdBy: 'user_test', manifest: agentManifest('writer') }],
      nextCursor: null,
    });
    await expect(registry.service.database.sql(`SET ROLE registry; UPDATE agent_version SET hash = 'x'`)).rejects.toThrow(
      'permission denied',
    );
  });

  test('against a version that is not current any more is a conflict', async () => {
    await apply(agentManifest('raced'), { expectedVersion: 0 });
    await expect(apply(agentManifest('raced'), { expectedVersion: 0 })).rejects.toMatchObject({ code: 'conflict', status: 412 });
    await expect(apply(agentManifest('raced', { kind: 'worker', timeoutMs: 5 }), { expectedVersion: 7 })).rejects.toMatchObject({
      code: 'conflict',
      detail: 'the agent raced is at version 1, not at version 7',
    });
  });

  test('twice at once leaves one agent of one version', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => apply(agentManifest('twins'))));
    expect(outcomes.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' });
    await expect(registry.service.request(listAgentVersions, { name: 'twins' })).resolves.toMatchObject({ data: [{ version: 1 }] });
  });
});

describe('an agent of another workspace', () => {
  const stranger = { as: { workspace: otherWorkspace } };

  test('is as unknown as none', async () => {
    await apply(agentManifest('private'));
    for (const asking of [
      registry.service.request(getAgent, { name: 'private' }, stranger),
      registry.service.request(resolveAgent, { name: 'private' }, stranger),
      registry.service.request(listAgentVersions, { name: 'private' }, stranger),
      registry.service.request(deleteAgent, { name: 'private' }, stranger),
    ]) {
      await expect(asking).rejects.toMatchObject({ code: 'not_found', detail: 'there is no agent private' });
    }
    await expect(registry.service.request(listAgents, {}, stranger)).resolves.toEqual({ data: [], nextCursor: null });
    await expect(apply(agentManifest('private', { kind: 'worker', timeoutMs: 9 }), stranger)).resolves.toMatchObject({ action: 'created' });
    await expect(registry.service.request(getAgent, { name: 'private' })).resolves.toMatchObject({
      version: 1,
      manifest: { spec: { kind: 'worker' } },
    });
  });
});

describe('the list of agents', () => {
  beforeAll(async () => {
    for (const [name, team] of [
      ['list-a', 'x'],
      ['list-b', 'y'],
      ['list-c', 'x'],
    ] as const) {
      await apply(
        agentManifest(
          name,
          { kind: 'http', http: { url: 'https://x.test' }, description: `50 % of ${name}_` },
          { labels: { team, example: 'list' } },
        ),
      );
    }
  });
  const names = async (request: Parameters<typeof ask>[0]): Promise<string[]> => (await ask(request)).data.map(({ name }) => name);
  const ask = (request: {
    kind?: 'http' | 'llm';
    status?: 'unknown' | 'failed';
    labels?: string[];
    q?: string;
    limit?: number;
    cursor?: string;
  }) => registry.service.request(listAgents, request);

  test('goes in pages by name', async () => {
    const first = await ask({ labels: ['example=list'], limit: 2 });
    expect(first.data.map(({ name }) => name)).toEqual(['list-a', 'list-b']);
    expect(await names({ labels: ['example=list'], limit: 2, cursor: first.nextCursor! })).toEqual(['list-c']);
  });

  test('filters by kind, status, labels and words', async () => {
    expect(await names({ labels: ['example=list', 'team=x'] })).toEqual(['list-a', 'list-c']);
    expect(await names({ kind: 'http', status: 'unknown', labels: ['example=list'] })).toHaveLength(3);
    expect(await names({ kind: 'llm' })).toEqual([]);
    expect(await names({ status: 'failed', labels: ['example=list'] })).toEqual([]);
    expect(await names({ q: 'LIST-B' })).toEqual(['list-b']);
    expect(await names({ q: '50 list-c_' })).toEqual(['list-c']);
  });

  test('takes what looks like SQL or a pattern as itself', async () => {
    expect(await names({ q: '%' })).toEqual(['list-a', 'list-b', 'list-c']);
    expect(await names({ q: "'; DROP TABLE agent; --" })).toEqual([]);
    expect(await names({ q: 'list_a' })).toEqual([]);
  });

  test('refuses a cursor that is not its own', async () => {
    for (const cursor of ['nonsense', Buffer.from('["a","b"]').toString('base64url'), Buffer.from('{}').toString('base64url')]) {
      await expect(ask({ cursor })).rejects.toMatchObject({ code: 'invalid', errors: [{ pointer: '/cursor' }] });
    }
    await expect(ask({ limit: 1_000 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(ask({ labels: ['no-equals-sign'] })).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('resolving an agent', () => {
  test('tells who gives it work all that it needs', async () => {
    const skill = { name: 'add', description: 'Adds.', inputSchema: { type: 'object' }, outputSchema: { type: 'number' } };
    const first = await apply(agentManifest('adder', { kind: 'worker', skills: [skill], concurrency: 3, timeoutMs: 500 }));
    await apply(agentManifest('adder', { kind: 'worker' }));
    const options = { from: 'execution' as const, as: { roles: ['agent' as const] } };
    await expect(registry.service.request(resolveAgent, { name: 'adder', version: 1 }, options)).resolves.toEqual({
      id: first.resource.id,
      name: 'adder',
      kind: 'worker',
      version: 1,
      hash: first.resource.hash,
      spec: { kind: 'worker', skills: [skill], concurrency: 3, timeoutMs: 500 },
      skills: [skill],
      concurrency: 3,
      timeoutMs: 500,
      status: 'idle',
      statusReason: 'no instance is there',
      instances: [],
    });
    await expect(registry.service.request(resolveAgent, { name: 'adder' }, options)).resolves.toMatchObject({ version: 2, skills: [] });
    await expect(registry.service.request(resolveAgent, { name: 'adder', version: 3 }, options)).rejects.toMatchObject({
      code: 'not_found',
      detail: expect.stringContaining('the current one is 2'),
    });
    await expect(registry.service.request(resolveAgent, { name: 'nobody' }, options)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the circuit breaker of an agent', () => {
  test('shows on it and makes its status, and events that come late change nothing', async () => {
    const { service } = registry;
    const { resource } = await apply(agentManifest('called', { kind: 'http', http: { url: 'https://x.test' } }));
    const changed = await service.record(agentChanged);
    const since = new Date().toISOString();
    const tell = (state: 'open' | 'half-open' | 'closed', version: number): Promise<void> =>
      service.publish(breakerChanged, { target: 'agent/called', agent: 'called', state, version, since });
    await tell('open', 2);
    await expect(changed.next(({ breaker }) => breaker === 'open')).resolves.toMatchObject({
      id: resource.id,
      status: 'failed',
      statusReason: 'calls to it keep failing: its circuit breaker is open',
    });
    await tell('half-open', 3);
    await changed.next(({ breaker, status }) => breaker === 'half-open' && status === 'degraded');
    await tell('open', 1);
    await tell('closed', 4);
    await changed.next(({ breaker, status }) => breaker === 'closed' && status === 'healthy');
    expect(changed.heard.map(({ payload }) => payload.breaker)).toEqual(['open', 'half-open', 'closed']);
    await service.publish(breakerChanged, { target: 'mcp-server/files', state: 'open', version: 1, since });
    await service.publish(breakerChanged, { target: 'agent/nobody', agent: 'nobody', state: 'open', version: 1, since });
    await expect(service.request(getAgent, { name: 'called' })).resolves.toMatchObject({ breaker: 'closed', status: 'healthy' });
  });
});

test('an agent that is called is healthy once a call to it has succeeded', async () => {
  const { service } = registry;
  await apply(agentManifest('answers', { kind: 'http', http: { url: 'https://x.test' } }));
  const changed = await service.record(agentChanged);
  const tell = (succeeded: number): Promise<void> => {
    const measure = { agent: 'answers', instance: 'protocol', succeeded, failed: 1 - succeeded, totalMs: 5 };
    return service.publish(instancesMeasured, { instances: [measure], poison: [], overBudget: [] });
  };
  await tell(0);
  await tell(1);
  await changed.next(({ name, status, breaker }) => name === 'answers' && status === 'healthy' && breaker === 'closed');
});

describe('deleting an agent', () => {
  test('forgets it, its versions and its history', async () => {
    const { service } = registry;
    await apply(agentManifest('old'));
    await expect(service.request(deleteAgent, { name: 'old', expectedVersion: 3 })).rejects.toMatchObject({
      code: 'conflict',
      status: 412,
    });
    const changed = await service.record(agentChanged);
    await expect(service.request(deleteAgent, { name: 'old', expectedVersion: 1 })).resolves.toEqual({ name: 'old' });
    await changed.next(({ change, name }) => change === 'deleted' && name === 'old');
    await expect(service.request(deleteAgent, { name: 'old' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(apply(agentManifest('old'))).resolves.toMatchObject({ resource: { version: 1 } });
  });

  test('is refused while a started deployment has it', async () => {
    const { service } = registry;
    await apply(agentManifest('needed'));
    await service.request(applyDeployment, { name: 'needs', manifest: deploymentManifest('needs', [{ name: 'a', agent: 'needed' }]) });
    await service.database.sql(`UPDATE deployment SET started = true WHERE name = 'needs'`);
    await expect(service.request(deleteAgent, { name: 'needed' })).rejects.toMatchObject({
      code: 'conflict',
      detail: 'the started deployment needs has the agent needed',
    });
    await service.database.sql(`UPDATE deployment SET started = false WHERE name = 'needs'`);
    await expect(service.request(deleteAgent, { name: 'needed' })).resolves.toEqual({ name: 'needed' });
  });
});

describe('the published schemas', () => {
  test('are JSON Schemas that say what manifests are', async () => {
    const ajv = new Ajv2020();
    for (const kind of ['Agent', 'Deployment', 'StepReport'] as const) {
      const { schema } = await registry.service.request(getSchema, { kind });
      const check = ajv.compile(schema);
      expect(schema['$id']).toMatch(/^https:\/\/signalbox\.dev\/schemas\/v1\//);
      expect(check({ kind })).toBe(false);
      if (kind === 'Agent') expect(check(agentManifest('a'))).toBe(true);
    }
    await expect(registry.service.request(getSchema, { kind: 'Moon' as 'Agent' })).rejects.toMatchObject({ code: 'invalid' });
  });
});

test('migrations go back and forth', async () => {
  const { loadMigrations } = await import('@signalbox/stack/database/migrations.js');
  const { TestDatabase } = await import('@signalbox/testkit/test-database.js');
  const { resolve } = await import('node:path');
  const migrations = await loadMigrations(resolve('src/migrations'));
  await using database = await TestDatabase.create('registry');
  await database.migrate(migrations);
  const tables = (): Promise<{ tablename: string }[]> =>
    database.sql(`SELECT tablename FROM pg_tables WHERE schemaname = 'registry' AND tablename <> 'schema_migration' ORDER BY tablename`);
  const first = await tables();
  await database.rollBack(migrations);
  expect(await tables()).toEqual([]);
  await database.migrate(migrations);
  expect(await tables()).toEqual(first);
  expect(first.length).toBeGreaterThan(8);
});

test('every table of a workspace is behind row security, and without a workspace nobody sees a row', async () => {
  const { database } = registry.service;
  const open = await database.sql(
    `SELECT relname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE n.nspname = 'registry' AND relkind = 'r'
     AND NOT (relrowsecurity AND relforcerowsecurity) AND relname NOT IN ('outbox', 'schema_migration', 'replica', 'shard')`,
  );
  expect(open).toEqual([]);
  await apply(agentManifest('hidden'));
  const { Client } = await import('pg');
  const client = new Client({ connectionString: database.url('request') });
  await client.connect();
  try {
    expect((await client.query('SELECT * FROM agent')).rows).toEqual([]);
    await client.query(`SET sb.workspace = '${otherWorkspace}'`);
    expect((await client.query(`SELECT * FROM agent WHERE name = 'hidden'`)).rows).toEqual([]);
  } finally {
    await client.end();
  }
});
