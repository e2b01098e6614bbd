import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Contract } from '@signalbox/shared/bus/contract.js';
import { createKey } from '@signalbox/shared/contracts/security/create-key.js';
import { createPrincipal } from '@signalbox/shared/contracts/security/create-principal.js';
import { createWorkspace } from '@signalbox/shared/contracts/security/create-workspace.js';
import { getPrincipal } from '@signalbox/shared/contracts/security/get-principal.js';
import type { Key } from '@signalbox/shared/contracts/security/key.js';
import { listAudit } from '@signalbox/shared/contracts/security/list-audit.js';
import { listKeys } from '@signalbox/shared/contracts/security/list-keys.js';
import { listPrincipals } from '@signalbox/shared/contracts/security/list-principals.js';
import { listWorkspaces } from '@signalbox/shared/contracts/security/list-workspaces.js';
import type { Principal } from '@signalbox/shared/contracts/security/principal.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { listSecrets } from '@signalbox/shared/contracts/security/list-secrets.js';
import { removeSecret } from '@signalbox/shared/contracts/security/remove-secret.js';
import { rotateDataKey } from '@signalbox/shared/contracts/security/rotate-data-key.js';
import type { Secret } from '@signalbox/shared/contracts/security/secret.js';
import { setSecret } from '@signalbox/shared/contracts/security/set-secret.js';
import { updatePrincipal } from '@signalbox/shared/contracts/security/update-principal.js';
import { verifyAudit } from '@signalbox/shared/contracts/security/verify-audit.js';
import { newId, newUuid } from '@signalbox/shared/ids/ids.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const credential = 'sbx_security_routes_key_of_ann';
const at = '2026-11-24T08:00:00.000Z';
const principal: Principal = { id: newId('user'), kind: 'user', name: 'ann', roles: ['viewer'], disabled: false, createdAt: at };
const key: Key = {
  ...{ id: newId('key'), name: 'k', principal: principal.id, principalName: 'ann', roles: ['viewer'], scopes: [], createdAt: at },
  ...{ createdBy: principal.id, expiresAt: null, lastUsedAt: null, revokedAt: null },
};
const secret: Secret = {
  ...{ name: 'token', description: '', version: 1, createdAt: at, createdBy: principal.id, updatedAt: at, updatedBy: principal.id },
  lastUsedAt: null,
};
const workspace = { id: newUuid(), name: 'acme', title: 'Acme', createdAt: at };
const page = { data: [], nextCursor: null };

let nats: TestBus;
let gateway: RunningGateway;
/** What security was asked, in order. */
let asked: [string, unknown][] = [];

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: principal.id, name: 'ann', roles: ['admin'] }, credential);
  const answer = <Request extends object, Reply extends object>(contract: Contract<Request, Reply>, reply: Reply): Promise<void> =>
    nats.answer(contract, (request) => {
      asked.push([contract.subject.replace('sb.security.', ''), JSON.parse(JSON.stringify(request))]);
      return reply;
    });
  await answer(createKey, { ...key, key: 'sbx_shown_once' });
  await answer(listKeys, { data: [key], nextCursor: null });
  await answer(revokeKey, { ...key, revokedAt: at });
  await answer(createPrincipal, principal);
  await answer(getPrincipal, principal);
  await answer(listPrincipals, page);
  await answer(updatePrincipal, principal);
  await answer(listAudit, page);
  await answer(verifyAudit, { intact: true, entries: 0, checkpoints: 0, head: '' });
  await answer(createWorkspace, { workspace, administrator: principal, key: { ...key, key: 'sbx_shown_once' } });
  await answer(listWorkspaces, page);
  await answer(setSecret, secret);
  await answer(listSecrets, { data: [secret], nextCursor: null });
  await answer(removeSecret, { name: 'token' });
  await answer(rotateDataKey, { version: 2, secrets: 1 });
  gateway = await startGateway(
    Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') }),
  );
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  asked = [];
});

async function send(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(`${gateway.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${credential}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test.each<[string, string, object | undefined, number, string, unknown]>([
  [
    'POST',
    '/keys',
    { name: 'ci', roles: ['viewer'], scopes: ['runs:read'], expiresInS: 60 },
    201,
    'key.create',
    { name: 'ci', roles: ['viewer'], scopes: ['runs:read'], expiresInS: 60 },
  ],
  ['GET', '/keys?limit=5&state=live&q=ci', undefined, 200, 'key.list', { limit: 5, state: 'live', q: 'ci' }],
  ['DELETE', `/keys/${key.id}`, undefined, 200, 'key.revoke', { id: key.id, withGrants: false }],
  ['DELETE', `/keys/${key.id}?withGrants=true`, undefined, 200, 'key.revoke', { id: key.id, withGrants: true }],
  [
    'POST',
    '/principals',
    { kind: 'user', name: 'bob', roles: ['viewer'] },
    201,
    'principal.create',
    { kind: 'user', name: 'bob', roles: ['viewer'] },
  ],
  ['GET', '/principals?kind=agent', undefined, 200, 'principal.list', { kind: 'agent' }],
  ['GET', `/principals/${principal.id}`, undefined, 200, 'principal.get', { id: principal.id }],
  ['PATCH', `/principals/${principal.id}`, { roles: ['operator'] }, 200, 'principal.update', { id: principal.id, roles: ['operator'] }],
  ['DELETE', `/principals/${principal.id}`, undefined, 200, 'principal.update', { id: principal.id, disabled: true }],
  ['GET', '/audit?action=key.*&outcome=denied', undefined, 200, 'audit.list', { action: 'key.*', outcome: 'denied' }],
  ['GET', '/audit/verification', undefined, 200, 'audit.verify', {}],
  ['POST', '/workspaces', { name: 'acme' }, 201, 'workspace.create', { name: 'acme' }],
  ['PUT', '/secrets/token', { value: 'a canary value' }, 200, 'secret.set', { name: 'token', value: 'a canary value' }],
  ['GET', '/secrets?limit=5&q=to', undefined, 200, 'secret.list', { limit: 5, q: 'to' }],
  ['DELETE', '/secrets/token', undefined, 200, 'secret.remove', { name: 'token' }],
  ['POST', '/secrets/rotation', undefined, 200, 'data-key.rotate', {}],
  ['GET', '/workspaces?q=a', undefined, 200, 'workspace.list', { q: 'a' }],
])('%s %s', async (method, path, body, status, subject, request) => {
  const answer = await send(method, path, body);
  expect([answer.status, answer.body['detail']]).toEqual([status, undefined]);
  expect(asked).toEqual([[subject, request]]);
});

test('no answer about a secret holds its value, be it refused, and no cache keeps one', async () => {
  for (const [path, body] of [
    ['/secrets/token', { value: 'a canary value' }],
    ['/secrets/token', { value: 'canary' }],
    ['/secrets/token', { value: 'a canary value', name: 'other' }],
    ['/secrets/token', { value: ['a canary value'] }],
    ['/secrets/Not_A_Name', { value: 'a canary value' }],
  ] as const) {
    const answer = await fetch(`${gateway.url}/api/v1${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect([path, await answer.text()]).toEqual([path, expect.not.stringContaining('canary')]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  }
});

test('a key’s end is a moment or a number of seconds, and in the future', async () => {
  await send('POST', '/keys', { name: 'x', expiresAt: new Date(Date.now() + 600_000).toISOString() });
  const [, request] = asked[0] as [string, { expiresInS: number }];
  expect(Math.abs(request.expiresInS - 600)).toBeLessThanOrEqual(5);
  expect(request).not.toHaveProperty('expiresAt');
  for (const wrong of [
    { expiresAt: '2020-01-01T00:00:00Z' },
    { expiresAt: 'soon' },
    { expiresAt: new Date(Date.now() + 600_000).toISOString(), expiresInS: 60 },
  ])
    expect(await send('POST', '/keys', { name: 'x', ...wrong })).toMatchObject({ status: 400, body: { code: 'invalid' } });
});

test.each([{ workspace: workspace.id }, { id: key.id }, { createdBy: 'me' }, { owner: 'me' }])(
  'a body that sets %o is refused (A04)',
  async (more) => {
    for (const [path, body] of [
      ['/keys', { name: 'x' }],
      ['/principals', { kind: 'user', name: 'x', roles: ['viewer'] }],
      ['/workspaces', { name: 'x' }],
    ] as const) {
      const answer = await send('POST', path, { ...body, ...more });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ pointer: `/${Object.keys(more)[0]!}` }] } });
    }
    expect(asked).toEqual([]);
  },
);

test('what is not as it should be is named', async () => {
  expect(await send('GET', '/keys?limit=1000')).toMatchObject({ status: 400, body: { errors: [{ pointer: '/limit' }] } });
  expect(await send('GET', '/keys?workspace=x')).toMatchObject({ status: 400, body: { errors: [{ pointer: '/workspace' }] } });
  expect(await send('DELETE', '/keys/x?withGrants=maybe')).toMatchObject({ status: 400, body: { errors: [{ pointer: '/withGrants' }] } });
  expect(await send('PATCH', `/principals/${principal.id}`, { roles: ['root'] })).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '/roles' }] },
  });
});
