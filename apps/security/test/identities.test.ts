import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { headers as natsHeaders } from '@nats-io/transport-node';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { createGrant } from '@signalbox/shared/contracts/security/create-grant.js';
import { getSigningKeys } from '@signalbox/shared/contracts/security/get-signing-keys.js';
import { issueIdentity, type CredentialKind } from '@signalbox/shared/contracts/security/issue-identity.js';
import { listKeys } from '@signalbox/shared/contracts/security/list-keys.js';
import { revokeGrant } from '@signalbox/shared/contracts/security/revoke-grant.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { updatePrincipal } from '@signalbox/shared/contracts/security/update-principal.js';
import type { ServiceName } from '@signalbox/shared/bus/contract.js';
import { adminKey, eventually, SecurityUnderTest } from './security-under-test.ts';

let security: SecurityUnderTest;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

async function issue(kind: CredentialKind, credential: string, audience: ServiceName, from: ServiceName = 'api-gateway') {
  return (await security.as(from)).request(issueIdentity, { kind, credential, audience }, 'service');
}

const worthless = { code: 'unauthenticated', detail: 'the credential is not valid' };

test('a key is traded for an identity of one audience that lives for a minute', async () => {
  const { token, expiresAt, workspace, principal, roles, credentialId } = await issue('key', adminKey, 'registry');
  const { keys } = await (await security.as('registry')).request(getSigningKeys, {}, 'service');
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: keys as never }), {
    algorithms: ['EdDSA'],
    issuer: 'signalbox',
    audience: 'registry',
  });
  expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: keys[0]!['kid'], typ: 'JWT' });
  expect(payload).toMatchObject({
    sub: principal,
    workspace,
    roles: ['admin'],
    scopes: [],
    cid: credentialId,
    act: { sub: 'service:api-gateway' },
  });
  expect(roles).toEqual(['admin']);
  expect(credentialId).toMatch(/^key_/);
  expect(expiresAt - Date.now()).toBeLessThanOrEqual(60_000);
  expect(expiresAt - Date.now()).toBeGreaterThan(55_000);
  expect(keys.every((key) => !('d' in key))).toBe(true);
});

describe('a credential that is worth nothing gets one answer', () => {
  test('unknown, empty, altered', async () => {
    for (const key of ['', 'sbx_', `${adminKey}x`, 'x'.repeat(4_000)]) {
      await expect(issue('key', key, 'registry')).rejects.toMatchObject(worthless);
      await expect(issue('session', key, 'registry')).rejects.toMatchObject(worthless);
      await expect(issue('grant', key, 'registry', 'execution')).rejects.toMatchObject(worthless);
    }
  });

  test('expired', async () => {
    const { key } = await security.key({ expiresInS: 3 });
    await expect(issue('key', key, 'registry')).resolves.toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    await expect(issue('key', key, 'registry')).rejects.toMatchObject(worthless);
  });

  test('revoked', async () => {
    const { key, id } = await security.key();
    const gateway = await security.as('api-gateway');
    const admin = await security.caller();
    await expect(gateway.request(revokeKey, { id }, admin)).resolves.toMatchObject({ id, revokedAt: expect.any(String) as unknown });
    await expect(issue('key', key, 'registry')).rejects.toMatchObject(worthless);
    await expect(gateway.request(revokeKey, { id }, admin)).resolves.toMatchObject({ id });
  });

  test('of a disabled principal', async () => {
    const { id, key } = await security.user('leaver', ['operator']);
    await (await security.as('api-gateway')).request(updatePrincipal, { id, disabled: true }, await security.caller());
    await expect(issue('key', key.key, 'registry')).rejects.toMatchObject(worthless);
    await (await security.as('api-gateway')).request(updatePrincipal, { id, disabled: false }, await security.caller());
    await expect(issue('key', key.key, 'registry')).resolves.toMatchObject({ roles: ['operator'] });
  });
});

test('an identity never outlives its key', async () => {
  const { key } = await security.key({ expiresInS: 20 });
  const { expiresAt } = await issue('key', key, 'registry');
  expect(expiresAt - Date.now()).toBeLessThanOrEqual(20_000);
});

test('only the gateway trades keys and sessions', async () => {
  await expect(issue('key', adminKey, 'context', 'registry')).rejects.toMatchObject({ code: 'forbidden' });
  await expect(issue('session', 'sbx_session_x', 'context', 'registry')).rejects.toMatchObject({ code: 'forbidden' });
});

test('the last use of a key is written in batches', async () => {
  const { key, id } = await security.key();
  await issue('key', key, 'registry');
  const gateway = await security.as('api-gateway');
  const admin = await security.caller();
  await eventually(async () => {
    const { data } = await gateway.request(listKeys, {}, admin);
    expect(data.find((one) => one.id === id)?.lastUsedAt).not.toBeNull();
  }, 8_000);
});

describe('an exchanged identity', () => {
  test('names those that it came through, and ends with the first', async () => {
    const first = await issue('key', adminKey, 'registry');
    const second = await issue('token', first.token, 'protocol', 'registry');
    const third = await issue('token', second.token, 'mcp-server', 'protocol');
    expect(decodeJwt(third.token)).toMatchObject({
      aud: 'mcp-server',
      cid: first.credentialId,
      act: { sub: 'service:protocol', act: { sub: 'service:registry', act: { sub: 'service:api-gateway' } } },
    });
    expect(third.expiresAt).toBe(first.expiresAt);
    expect(decodeProtectedHeader(third.token).alg).toBe('EdDSA');
  });

  test('is had only by the service that it was made for', async () => {
    const { token } = await issue('key', adminKey, 'registry');
    await expect(issue('token', token, 'mcp-server', 'protocol')).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(issue('token', 'eyJhbGciOiJub25lIn0.e30.', 'mcp-server', 'protocol')).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('cannot be had once the key is revoked, and has the roles of now', async () => {
    const { id, key, caller } = await security.user('changing', ['operator', 'viewer']);
    const { token } = await issue('key', key.key, 'registry');
    const gateway = await security.as('api-gateway');
    await gateway.request(updatePrincipal, { id, roles: ['viewer'] }, await security.caller());
    const late = await issue('token', token, 'context', 'registry').catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'unauthenticated' }); // issued before the change
    await expect(issue('key', key.key, 'registry')).resolves.toMatchObject({ roles: ['viewer'] });
    const fresh = await issue('key', key.key, 'registry');
    await gateway.request(revokeKey, { id: key.id }, await security.caller());
    await expect(issue('token', fresh.token, 'context', 'registry')).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(caller.roles).toEqual(['operator', 'viewer']);
  });

  test('does not go in circles', async () => {
    let { token } = await issue('key', adminKey, 'registry');
    for (let hop = 1; hop < 8; hop++) {
      const [from, to] = hop % 2 ? (['registry', 'protocol'] as const) : (['protocol', 'registry'] as const);
      ({ token } = await issue('token', token, to, from));
    }
    await expect(issue('token', token, 'registry', 'protocol')).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('a grant', () => {
  async function grantOf(caller: Awaited<ReturnType<SecurityUnderTest['caller']>>, purpose = 'run run_1'): Promise<string> {
    const execution = await security.as('execution');
    const token = await caller.tokenFor('execution');
    const claims = decodeJwt(token) as { cid: string; act: { sub: string } };
    const onward = {
      ...caller,
      credentialId: claims.cid,
      tokenFor: async (audience: ServiceName) => (await issue('token', token, audience, 'execution')).token,
    };
    return (await execution.request(createGrant, { purpose }, onward)).grant;
  }

  test('lets its service act later, with the rights of the caller and of its key', async () => {
    const { caller } = await security.user('starter', ['operator'], { scopes: ['runs:*', 'grants:write'] });
    const grant = await grantOf(caller);
    const execution = await security.as('execution');
    const later = await execution.as(grant);
    expect(later).toMatchObject({
      principal: caller.principal,
      workspace: caller.workspace,
      roles: ['operator'],
      scopes: ['runs:*', 'grants:write'],
    });
    expect(later.credentialId).toMatch(/^grant_/);
    expect(decodeJwt(await later.tokenFor('protocol'))).toMatchObject({ act: { sub: 'service:execution' } });
  });

  test('is worth nothing to another service', async () => {
    const grant = await grantOf(await security.caller());
    await expect(issue('grant', grant, 'context', 'registry')).rejects.toMatchObject(worthless);
    await expect((await security.as('registry')).request(revokeGrant, { grant }, 'service')).resolves.toEqual({ ended: false });
    await expect(issue('grant', grant, 'context', 'execution')).resolves.toBeDefined();
  });

  test('is given back once', async () => {
    const execution = await security.as('execution');
    const grant = await grantOf(await security.caller());
    await expect(execution.request(revokeGrant, { grant }, 'service')).resolves.toEqual({ ended: true });
    await expect(execution.request(revokeGrant, { grant }, 'service')).resolves.toEqual({ ended: false });
    await expect(issue('grant', grant, 'context', 'execution')).rejects.toMatchObject(worthless);
  });

  test('outlives its key, unless the key is revoked with its grants', async () => {
    const { caller, key } = await security.user('rotating', ['operator']);
    const grant = await grantOf(caller);
    const gateway = await security.as('api-gateway');
    const admin = await security.caller();
    await gateway.request(revokeKey, { id: key.id }, admin);
    await expect(issue('grant', grant, 'context', 'execution')).resolves.toBeDefined();
    await gateway.request(revokeKey, { id: key.id, withGrants: true }, admin);
    await expect(issue('grant', grant, 'context', 'execution')).rejects.toMatchObject(worthless);
  });

  test('does not grow when its principal gets more roles, and shrinks when it loses them', async () => {
    const { id, caller } = await security.user('growing', ['operator']);
    const grant = await grantOf(caller);
    await (await security.as('api-gateway')).request(updatePrincipal, { id, roles: ['admin'] }, await security.caller());
    await expect(issue('grant', grant, 'context', 'execution')).resolves.toMatchObject({ roles: ['operator'] });
    await (await security.as('api-gateway')).request(updatePrincipal, { id, roles: ['viewer'] }, await security.caller());
    await expect(issue('grant', grant, 'context', 'execution')).resolves.toMatchObject({ roles: [] });
  });

  test('is not held by who is no such service', async () => {
    const gateway = await security.as('api-gateway');
    const connection = (await security.as('execution')).connection;
    expect(gateway.service).toBe('api-gateway');
    const own = natsHeaders();
    own.set('Sb-Identity', await (await security.caller()).tokenFor('security')); // shown by the gateway, sent by execution
    const reply = await connection.request(createGrant.subject, JSON.stringify({ purpose: 'x' }), { headers: own, timeout: 2_000 });
    expect(reply.headers?.get('Sb-Fault')).toBe('forbidden');
  });
});
