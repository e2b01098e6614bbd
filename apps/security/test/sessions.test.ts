import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { createSession } from '@signalbox/shared/contracts/security/create-session.js';
import { credentialRevoked } from '@signalbox/shared/contracts/security/credential-revoked.js';
import { endSession } from '@signalbox/shared/contracts/security/end-session.js';
import { issueIdentity } from '@signalbox/shared/contracts/security/issue-identity.js';
import { listRevocations } from '@signalbox/shared/contracts/security/list-revocations.js';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { updatePrincipal } from '@signalbox/shared/contracts/security/update-principal.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { adminKey, eventually, SecurityUnderTest } from './security-under-test.ts';

let security: SecurityUnderTest;
let gateway: Bus;

beforeAll(async () => {
  security = await SecurityUnderTest.start();
  gateway = await security.as('api-gateway');
}, 90_000);

afterAll(async () => {
  await security?.[Symbol.asyncDispose]();
});

const worthless = { code: 'unauthenticated' };
const signIn = (key = adminKey) => gateway.request(createSession, { key }, 'service');
const trade = (session: string) =>
  gateway.request(issueIdentity, { kind: 'session', credential: session, audience: 'registry' }, 'service');

describe('a browser session', () => {
  test('has the rights of its key for 12 hours', async () => {
    const { key } = await security.user('browsing', ['viewer'], { scopes: ['runs:read'] });
    const { id, session, expiresAt } = await signIn(key.key);
    expect(expiresAt - Date.now()).toBeGreaterThan(12 * 3_600_000 - 5_000);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
    await expect(trade(session)).resolves.toMatchObject({ name: 'browsing', roles: ['viewer'], scopes: ['runs:read'], credentialId: id });
  });

  test('is another at each sign-in, and no key', async () => {
    const [first, second] = [await signIn(), await signIn()];
    expect(first.session).not.toBe(second.session);
    await expect(
      gateway.request(issueIdentity, { kind: 'key', credential: first.session, audience: 'registry' }, 'service'),
    ).rejects.toMatchObject(worthless);
    await expect(signIn(first.session)).rejects.toMatchObject(worthless);
  });

  test('is not had for a key that is worth nothing', async () => {
    const { key, id } = await security.key();
    await gateway.request(revokeKey, { id }, await security.caller());
    for (const wrong of [key, '', 'sbx_nobody_ever_made_this_key']) await expect(signIn(wrong)).rejects.toMatchObject(worthless);
  });

  test('ends by signing out, once', async () => {
    const { session } = await signIn();
    await expect(gateway.request(endSession, { session }, 'service')).resolves.toEqual({ ended: true });
    await expect(trade(session)).rejects.toMatchObject(worthless);
    await expect(gateway.request(endSession, { session }, 'service')).resolves.toEqual({ ended: false });
    await expect(gateway.request(endSession, { session: 'unknown' }, 'service')).resolves.toEqual({ ended: false });
  });

  test('ends with its key, and with other roles of its principal (A27)', async () => {
    const { id, key } = await security.user('promoted', ['viewer']);
    const { session } = await signIn(key.key);
    await gateway.request(updatePrincipal, { id, roles: ['operator'] }, await security.caller());
    await expect(trade(session)).rejects.toMatchObject(worthless);
    const again = await signIn(key.key);
    await gateway.request(revokeKey, { id: key.id }, await security.caller());
    await expect(trade(again.session)).rejects.toMatchObject(worthless);
  });

  test('ends with its key’s own end', async () => {
    const { key } = await security.key({ expiresInS: 600 });
    const { expiresAt } = await signIn(key);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(600_000);
  });

  test('ends after 30 minutes without use, and after 12 hours in any case', async () => {
    const [idle, old] = [await signIn(), await signIn()];
    const { database } = security.service;
    await database.sql(`UPDATE browser_session SET last_used_at = now() - interval '29 minutes'`);
    await expect(trade(idle.session)).resolves.toBeDefined();
    await eventually(async () => {
      const rows = await database.sql(`SELECT 1 FROM browser_session WHERE id = $1 AND last_used_at > now() - interval '1 minute'`, [
        toUuid(idle.id, 'sess'),
      ]);
      expect(rows).toHaveLength(1); // the use is written
    }, 8_000);
    await database.sql(`UPDATE browser_session SET last_used_at = now() - interval '31 minutes'`);
    await expect(trade(idle.session)).rejects.toMatchObject(worthless);
    await database.sql(`UPDATE browser_session SET last_used_at = now(), expires_at = now() - interval '1 second'`);
    await expect(trade(old.session)).rejects.toMatchObject(worthless);
  });

  test('of too many browsers ends the oldest', async () => {
    const { key } = await security.user('everywhere', ['viewer']);
    const first = await signIn(key.key);
    for (let i = 0; i < 50; i++) await signIn(key.key);
    await expect(trade(first.session)).rejects.toMatchObject(worthless);
  });
});

describe('a revocation', () => {
  test('is told to everybody at once, and listed for who missed it', async () => {
    const { key, id } = await security.key();
    const { session, id: sessionId } = await signIn(key);
    const before = await (await security.as('registry')).request(listRevocations, {}, 'service');
    const heard = await security.service.record(credentialRevoked);
    await gateway.request(revokeKey, { id }, await security.caller());
    await eventually(() => {
      expect(heard.heard.map(({ payload }) => payload.id)).toEqual(expect.arrayContaining([id, sessionId]));
      return Promise.resolve();
    });
    const { data } = await (await security.as('registry')).request(listRevocations, { cursor: before.cursor }, 'service');
    expect(data.map((one) => one.id)).toEqual(expect.arrayContaining([id, sessionId]));
    await expect(trade(session)).rejects.toMatchObject(worthless);
    await expect((await security.as('registry')).request(listRevocations, { cursor: 'x' }, 'service')).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});
