import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { createKey } from '@signalbox/shared/contracts/security/create-key.js';
import { createPrincipal } from '@signalbox/shared/contracts/security/create-principal.js';
import { createWorkspace } from '@signalbox/shared/contracts/security/create-workspace.js';
import { getPrincipal } from '@signalbox/shared/contracts/security/get-principal.js';
import { listKeys } from '@signalbox/shared/contracts/security/list-keys.js';
import { listPrincipals } from '@signalbox/shared/contracts/security/list-principals.js';
import { listWorkspaces } from '@signalbox/shared/contracts/security/list-workspaces.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { updatePrincipal } from '@signalbox/shared/contracts/security/update-principal.js';
import { encodeCursor } from '@signalbox/shared/bus/page.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { SecurityUnderTest } from './security-under-test.ts';

let security: SecurityUnderTest;
let gateway: Bus;
let admin: Caller;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
  gateway = await security.as('api-gateway');
  admin = await security.caller();
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

const forbidden = { code: 'forbidden' };
const unknown = { code: 'not_found' };

describe('a key', () => {
  test('is not made twice under one Idempotency-Key: the second answer names the first and shows nothing', async () => {
    const ask = { name: 'once', idempotencyKey: 'key-once' };
    const first = await gateway.request(createKey, ask, admin);
    await expect(gateway.request(createKey, ask, admin)).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining(first.id) as unknown,
    });
    await expect(gateway.request(createKey, { ...ask, name: 'other' }, admin)).rejects.toMatchObject({ code: 'conflict' });
    const { data } = await gateway.request(listKeys, { q: 'once' }, admin);
    expect(data.map(({ id }) => id)).toEqual([first.id]);
  });

  test('A11 an Idempotency-Key is its caller’s own', async () => {
    const { caller } = await security.user('someone', ['admin']);
    await gateway.request(createKey, { name: 'mine', idempotencyKey: 'shared-key' }, admin);
    await expect(gateway.request(createKey, { name: 'theirs', idempotencyKey: 'shared-key' }, caller)).resolves.toMatchObject({
      name: 'theirs',
    });
  });

  test('is shown once; only a hash of it is kept', async () => {
    const { key, ...shown } = await security.key({ name: 'for CI', scopes: ['runs:read'], expiresInS: 3_600 });
    expect(shown).toMatchObject({
      name: 'for CI',
      principal: admin.principal,
      principalName: 'admin',
      roles: ['admin'],
      scopes: ['runs:read'],
      createdBy: admin.principal,
    });
    expect(Date.parse(shown.expiresAt!) - Date.now()).toBeGreaterThan(3_500_000);
    const { data } = await gateway.request(listKeys, { limit: 200 }, admin);
    expect(JSON.stringify(data)).not.toContain(key.slice(-20));
    const tables = ['api_key', 'outbox', 'audit_entry'];
    for (const table of tables) {
      const [row] = await security.service.database.sql<{ found: string }>(
        `SELECT count(*) AS found FROM ${table} t WHERE t::text LIKE $1`,
        [`%${key.split('_')[2]}%`],
      );
      expect([table, row!.found]).toEqual([table, '0']);
    }
  });

  test('narrows what its principal may', async () => {
    const { key } = await security.key({ roles: ['viewer'], scopes: ['runs:*'] });
    const caller = await security.caller(key);
    expect(caller).toMatchObject({ principal: admin.principal, roles: ['viewer'], scopes: ['runs:*'] });
    await expect(gateway.request(listKeys, {}, caller)).rejects.toMatchObject(forbidden);
  });

  test('of an agent makes the agent a principal, and keeps its name', async () => {
    const id = newId('agent');
    const { caller } = await security.user('runner', ['operator']);
    const first = await security.key({ agent: { id, name: 'analyst' }, expiresInS: 60 }, caller);
    expect(first).toMatchObject({ principal: id, principalName: 'analyst', roles: ['agent'] });
    const second = await security.key({ agent: { id, name: 'analyst-2' } }, caller);
    expect(second).toMatchObject({ principal: id, principalName: 'analyst-2' });
    expect(await security.caller(first.key)).toMatchObject({ principal: id, roles: ['agent'] });
    await expect(gateway.request(getPrincipal, { id }, admin)).resolves.toMatchObject({
      kind: 'agent',
      name: 'analyst-2',
      disabled: false,
    });
    await expect(gateway.request(revokeKey, { id: first.id }, caller)).resolves.toMatchObject({ id: first.id });
    await gateway.request(updatePrincipal, { id, disabled: true }, admin);
    await expect(security.key({ agent: { id, name: 'analyst' } }, caller)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('speaks for one principal', async () => {
    await expect(security.key({ agent: { id: newId('agent'), name: 'a' }, principal: admin.principal })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(security.key({ principal: newId('user') })).rejects.toMatchObject(unknown);
    await expect(security.key({ scopes: ['everything'] })).rejects.toMatchObject({ code: 'invalid' });
    await expect(security.key({ workspace: 'x' } as never)).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('nobody mints rights above its own (A03)', () => {
  test('an operator makes keys of itself and of agents, and no others', async () => {
    const { caller, id } = await security.user('op', ['operator']);
    const { id: other } = await security.user('other-op', ['operator']);
    await expect(security.key({}, caller)).resolves.toMatchObject({ principal: id });
    await expect(security.key({ principal: other }, caller)).rejects.toMatchObject(forbidden);
    await expect(security.key({ principal: admin.principal }, caller)).rejects.toMatchObject(forbidden);
    await expect(security.key({ roles: ['admin'] }, caller)).rejects.toMatchObject(forbidden);
    await expect(gateway.request(createPrincipal, { kind: 'user', name: 'x', roles: ['viewer'] }, caller)).rejects.toMatchObject(forbidden);
    await expect(gateway.request(updatePrincipal, { id, roles: ['admin'] }, caller)).rejects.toMatchObject(forbidden);
  });

  test('an operator ends its own keys and those of agents, and no others', async () => {
    const { caller, key } = await security.user('ender', ['operator']);
    const { key: foreign } = await security.user('ended', ['viewer']);
    await expect(gateway.request(revokeKey, { id: foreign.id }, caller)).rejects.toMatchObject(forbidden);
    await expect(gateway.request(revokeKey, { id: key.id }, caller)).resolves.toMatchObject({ id: key.id });
  });

  test('viewers and agents make nothing', async () => {
    const { caller: viewer } = await security.user('watcher', ['viewer']);
    const { key } = await security.key({ agent: { id: newId('agent'), name: 'worker' } });
    for (const caller of [viewer, await security.caller(key)]) {
      await expect(security.key({}, caller)).rejects.toMatchObject(forbidden);
      await expect(gateway.request(revokeKey, { id: newId('key') }, caller)).rejects.toMatchObject(forbidden);
      await expect(gateway.request(createPrincipal, { kind: 'user', name: 'x', roles: ['viewer'] }, caller)).rejects.toMatchObject(
        forbidden,
      );
      await expect(gateway.request(updatePrincipal, { id: admin.principal, disabled: true }, caller)).rejects.toMatchObject(forbidden);
      await expect(gateway.request(createWorkspace, { name: 'x' }, caller)).rejects.toMatchObject(forbidden);
    }
  });

  test('a narrowed key makes no wider one, and no principal with more', async () => {
    const { key } = await security.key({ scopes: ['keys:*', 'principals:*', 'runs:read'] });
    const caller = await security.caller(key);
    await expect(security.key({}, caller)).rejects.toMatchObject(forbidden);
    await expect(security.key({ scopes: ['runs:*'] }, caller)).rejects.toMatchObject(forbidden);
    await expect(security.key({ scopes: ['runs:read'] }, caller)).resolves.toMatchObject({ scopes: ['runs:read'] });
    const { key: viewing } = await security.key({ roles: ['viewer'] });
    await expect(
      gateway.request(createPrincipal, { kind: 'user', name: 'y', roles: ['admin'] }, await security.caller(viewing)),
    ).rejects.toMatchObject(forbidden);
  });

  test('a key has no roles that its principal has not', async () => {
    const { id } = await security.user('reader', ['viewer']);
    await expect(security.key({ principal: id, roles: ['operator'] })).rejects.toMatchObject(forbidden);
  });

  test('a key loses what its principal loses', async () => {
    const { id, key } = await security.user('shrinking', ['operator'], { roles: ['operator'] });
    expect((await security.caller(key.key)).roles).toEqual(['operator']);
    await gateway.request(updatePrincipal, { id, roles: ['viewer'] }, admin);
    expect((await security.caller(key.key)).roles).toEqual([]);
  });
});

describe('principals', () => {
  test('are made once under one Idempotency-Key, also when asked for many times at once', async () => {
    const ask = { kind: 'service-account' as const, name: 'made once', roles: ['viewer' as const], idempotencyKey: 'principal-once' };
    const made = await Promise.all(Array.from({ length: 8 }, () => gateway.request(createPrincipal, ask, admin)));
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    await expect(gateway.request(createPrincipal, { ...ask, roles: ['operator'] }, admin)).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('Idempotency-Key') as unknown,
    });
  });

  test('have names of their own', async () => {
    const first = await gateway.request(createPrincipal, { kind: 'service-account', name: 'deployer', roles: ['operator'] }, admin);
    expect(first).toMatchObject({ id: expect.stringMatching(/^sa_/) as unknown, kind: 'service-account', disabled: false });
    await expect(
      gateway.request(createPrincipal, { kind: 'service-account', name: 'deployer', roles: ['viewer'] }, admin),
    ).rejects.toMatchObject({ code: 'conflict' });
    await expect(gateway.request(createPrincipal, { kind: 'user', name: 'deployer', roles: ['viewer'] }, admin)).resolves.toBeDefined();
    const { id } = await gateway.request(createPrincipal, { kind: 'service-account', name: 'deployer-2', roles: ['viewer'] }, admin);
    await expect(gateway.request(updatePrincipal, { id, name: 'deployer' }, admin)).rejects.toMatchObject({ code: 'conflict' });
    await expect(gateway.request(updatePrincipal, { id, name: 'deployer-3' }, admin)).resolves.toMatchObject({
      name: 'deployer-3',
      roles: ['viewer'],
    });
  });

  test('who administers the installation cannot be turned away', async () => {
    await expect(gateway.request(updatePrincipal, { id: admin.principal, disabled: true }, admin)).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(gateway.request(updatePrincipal, { id: admin.principal, roles: ['viewer'] }, admin)).rejects.toMatchObject({
      code: 'conflict',
    });
    await expect(gateway.request(updatePrincipal, { id: admin.principal, name: 'root' }, admin)).resolves.toMatchObject({ name: 'root' });
    await gateway.request(updatePrincipal, { id: admin.principal, name: 'admin' }, admin);
  });

  test('a workspace keeps an administrator, also when two leave at once', async () => {
    const { key, administrator } = await gateway.request(createWorkspace, { name: 'pair' }, admin);
    const first = await security.caller(key.key);
    const second = await gateway.request(createPrincipal, { kind: 'user', name: 'second', roles: ['admin'] }, first);
    const leaving = await Promise.allSettled(
      [administrator.id, second.id].map((id) => gateway.request(updatePrincipal, { id, roles: ['viewer'] }, first)),
    );
    expect(leaving.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('lists', () => {
  test('go on where they stopped and filter', async () => {
    const { id } = await security.user('collector', ['viewer']);
    const made = [];
    for (let i = 0; i < 5; i++) made.push(await security.key({ principal: id, name: `Box ${i}` }));
    await gateway.request(revokeKey, { id: made[1]!.id }, admin);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { data: { name: string }[]; nextCursor: string | null } = await gateway.request(
        listKeys,
        { principal: id, q: 'box', limit: 2, ...(cursor !== null && { cursor }) },
        admin,
      );
      seen.push(...page.data.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(['Box 4', 'Box 3', 'Box 2', 'Box 1', 'Box 0']);
    const names = async (state: 'live' | 'revoked' | 'expired') =>
      (await gateway.request(listKeys, { principal: id, state }, admin)).data.map(({ name }) => name);
    expect(await names('revoked')).toEqual(['Box 1']);
    expect(await names('live')).toContain('Box 4');
    expect(await names('expired')).toEqual([]);
    const { data, nextCursor } = await gateway.request(listPrincipals, { kind: 'user', q: 'COLLECT', limit: 1 }, admin);
    expect([data.map(({ name }) => name), nextCursor]).toEqual([['collector'], null]);
  });

  test.each(['x', encodeCursor(['x']), encodeCursor([1, 2]), encodeCursor(["' OR true"])])('refuse the cursor %s', async (cursor) => {
    await expect(gateway.request(listKeys, { cursor }, admin)).rejects.toMatchObject({ code: 'invalid' });
    await expect(gateway.request(listPrincipals, { cursor }, admin)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('take words literally', async () => {
    for (const q of ['%', '_', `'; DROP TABLE api_key; --`, '\\']) expect((await gateway.request(listKeys, { q }, admin)).data).toEqual([]);
  });
});

describe('a workspace', () => {
  test('is made with its administrator, who sees nothing of others (A01)', async () => {
    const mine = await security.user('neighbour', ['viewer']);
    const { workspace, administrator, key } = await gateway.request(
      createWorkspace,
      { name: 'acme', title: 'Acme, Inc.', administrator: 'ann' },
      admin,
    );
    expect(administrator).toMatchObject({ name: 'ann', roles: ['admin'] });
    const theirs = await security.caller(key.key);
    expect(theirs.workspace).toBe(workspace.id);
    await expect(gateway.request(getPrincipal, { id: mine.id }, theirs)).rejects.toMatchObject(unknown);
    await expect(gateway.request(updatePrincipal, { id: mine.id, name: 'x' }, theirs)).rejects.toMatchObject(unknown);
    await expect(gateway.request(revokeKey, { id: mine.key.id }, theirs)).rejects.toMatchObject(unknown);
    await expect(gateway.request(createKey, { name: 'x', principal: mine.id }, theirs)).rejects.toMatchObject(unknown);
    expect((await gateway.request(listPrincipals, {}, theirs)).data.map(({ name }) => name)).toEqual(['ann']);
    expect((await gateway.request(listKeys, {}, theirs)).data).toHaveLength(1);
    expect((await gateway.request(listKeys, { principal: mine.id }, theirs)).data).toEqual([]);
    expect((await gateway.request(listWorkspaces, {}, theirs)).data).toEqual([workspace]);
    await expect(gateway.request(createWorkspace, { name: 'mine-too' }, theirs)).rejects.toMatchObject(forbidden);
    // the same agent id in two workspaces is two principals
    const agent = { id: newId('agent'), name: 'a' };
    await expect(security.key({ agent }, theirs)).resolves.toMatchObject({ principal: agent.id });
    await expect(security.key({ agent })).resolves.toMatchObject({ principal: agent.id });
  });

  test('has a name of its own, and is listed for who administers the installation', async () => {
    await gateway.request(createWorkspace, { name: 'zeta' }, admin);
    await expect(gateway.request(createWorkspace, { name: 'zeta' }, admin)).rejects.toMatchObject({ code: 'conflict' });
    await expect(gateway.request(createWorkspace, { name: 'Not A Label' }, admin)).rejects.toMatchObject({ code: 'invalid' });
    const first = await gateway.request(listWorkspaces, { limit: 1 }, admin);
    expect(first.nextCursor).not.toBeNull();
    const rest = await gateway.request(listWorkspaces, { cursor: first.nextCursor! }, admin);
    const names = [...first.data, ...rest.data].map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toEqual(expect.arrayContaining(['default', 'zeta']));
    expect((await gateway.request(listWorkspaces, { q: 'ZET' }, admin)).data.map(({ name }) => name)).toEqual(['zeta']);
  });

  test('is not made by a narrowed key of the installation', async () => {
    const { key } = await security.key({ scopes: ['workspaces:write'] });
    await expect(gateway.request(createWorkspace, { name: 'sneaky' }, await security.caller(key))).rejects.toMatchObject(forbidden);
  });
});
