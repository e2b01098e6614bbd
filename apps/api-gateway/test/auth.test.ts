import 'reflect-metadata';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createSession } from '@signalbox/shared/contracts/security/create-session.js';
import { credentialRevoked } from '@signalbox/shared/contracts/security/credential-revoked.js';
import { endSession } from '@signalbox/shared/contracts/security/end-session.js';
import { issueIdentity } from '@signalbox/shared/contracts/security/issue-identity.js';
import { listKeys } from '@signalbox/shared/contracts/security/list-keys.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { Authenticator } from '../src/auth/authenticator.ts';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const key = 'sbx_gateway_test_key_of_ann';
const viewerKey = 'sbx_gateway_test_key_of_bob';
const session = `sbx_session_${'a'.repeat(43)}`;
let nats: TestBus;
let gateway: RunningGateway;
let port: string;
let asked = 0;

beforeAll(async () => {
  nats = await TestBus.start();
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  nats.issuer.addCredential({ principal: 'user_bob', name: 'bob', roles: ['viewer'] }, viewerKey);
  await nats.answer(issueIdentity, ({ kind, credential, audience }, { fromService }) => {
    if (kind === 'key') asked++;
    return nats.issuer.issue(kind, credential, audience, fromService!);
  });
  await nats.answer(createSession, ({ key: shown }) => {
    if (shown !== key) throw new Fault('unauthenticated', 'the credential is not valid', 'Use another.');
    nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, session);
    return { id: 'sess_01jc0000000000000000000000', session, expiresAt: Date.now() + 12 * 3_600_000 };
  });
  await nats.answer(endSession, ({ session: shown }) => {
    nats.issuer.revoke(shown);
    return { ended: true };
  });
  await nats.answer(listKeys, () => ({ data: [], nextCursor: null }));
  gateway = await start();
  port = new URL(gateway.url).port;
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  asked = 0;
});

function start(settings: Partial<GatewayConfig> = {}): Promise<RunningGateway> {
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway'), ...settings });
  return startGateway(config);
}

type Headers = Record<string, string>;

function get(path: string, headers: Headers = {}, base = gateway.url): Promise<Response> {
  return fetch(`${base}${path}`, { headers });
}

function bearer(credential: string): Headers {
  return { authorization: `Bearer ${credential}` };
}

/** What a page of ours sends. */
function fromPage(headers: Headers = {}): Headers {
  return { origin: gateway.url, 'sec-fetch-site': 'same-origin', 'x-signalbox': '1', 'content-type': 'application/json', ...headers };
}

function signIn(headers: Headers = fromPage(), body: object = { key }): Promise<Response> {
  return fetch(`${gateway.url}/api/v1/session`, { method: 'POST', headers, body: JSON.stringify(body) });
}

function revoked(id: string): void {
  const event = { id: '1', workspace: '', entity: id, version: 0, at: Date.now(), payload: { id, at: Date.now() } };
  nats.connection.publish(credentialRevoked.subject, JSON.stringify(event));
}

describe('a key', () => {
  test('tells who sends a request', async () => {
    const answer = await get('/api/v1/whoami', bearer(key));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ principal: 'user_ann', name: 'ann', roles: ['admin'], scopes: [], credential: key });
  });

  test('in use costs no question', async () => {
    await get('/api/v1/whoami', bearer(key));
    asked = 0;
    await Promise.all(Array.from({ length: 50 }, () => get('/api/v1/whoami', bearer(key))));
    expect(asked).toBe(0);
  });

  test('is asked for once, however many requests bring it at first', async () => {
    const fresh = nats.issuer.addCredential({ roles: ['viewer'] }, 'sbx_gateway_test_key_of_many');
    const answers = await Promise.all(Array.from({ length: 20 }, () => get('/api/v1/whoami', bearer(fresh))));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(asked).toBe(1);
  });

  test('that was revoked is refused at once', async () => {
    const leaked = nats.issuer.addCredential({ roles: ['viewer'] }, 'sbx_gateway_test_key_leaked');
    expect((await get('/api/v1/whoami', bearer(leaked))).status).toBe(200);
    nats.issuer.revoke(leaked);
    revoked(leaked);
    await nats.connection.flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await get('/api/v1/whoami', bearer(leaked))).status).toBe(401);
  });

  test('of somebody whose rights changed is traded anew', async () => {
    const changing = nats.issuer.addCredential({ principal: 'user_cleo', roles: ['operator'] }, 'sbx_gateway_test_key_cleo');
    expect(await (await get('/api/v1/whoami', bearer(changing))).json()).toMatchObject({ roles: ['operator'] });
    nats.issuer.addCredential({ principal: 'user_cleo', roles: ['viewer'] }, changing);
    revoked('user_cleo');
    await nats.connection.flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await (await get('/api/v1/whoami', bearer(changing))).json()).toMatchObject({ roles: ['viewer'] });
  });
});

describe('an open stream ends', () => {
  test('when its key is revoked', async () => {
    const leaked = nats.issuer.addCredential({ roles: ['admin'] }, 'sbx_gateway_test_key_stream');
    const ended = await streamOf(leaked);
    revoked(leaked);
    await expect(ended.ms).resolves.toBeLessThan(5_000);
  });

  test('when its key has expired', async () => {
    const short = nats.issuer.addCredential({ roles: ['admin'] }, 'sbx_gateway_test_key_short');
    await nats.answer(issueIdentity, async ({ kind, credential, audience }, { fromService }) => {
      const issued = await nats.issuer.issue(kind, credential, audience, fromService!);
      return credential === short ? { ...issued, expiresAt: Date.now() + 1_000 } : issued;
    });
    const ended = await streamOf(short);
    nats.issuer.revoke(short);
    await expect(ended.ms).resolves.toBeLessThan(8_000);
  });

  /** Opens the stream of events; how long it stays open, in milliseconds. */
  async function streamOf(credential: string): Promise<{ ms: Promise<number> }> {
    const answer = await get('/api/v1/events', bearer(credential));
    expect(answer.status).toBe(200);
    const since = performance.now();
    return { ms: answer.text().then(() => performance.now() - since) };
  }
});

describe('whoever is not known gets one answer', () => {
  const wrong: [string, Headers][] = [
    ['nothing', {}],
    ['an empty header', { authorization: '' }],
    ['another scheme', { authorization: `Basic ${Buffer.from(`a:${key}`).toString('base64')}` }],
    ['a wrong key', bearer('sbx_nobody_ever_made_this_key')],
    ['a key cut short', bearer(key.slice(0, -1))],
    ['a mistyped key', bearer(`sbx_01jc0000000000000000000000_${'0'.repeat(43)}_000000`)],
    ['a key of another product', bearer('sk-proj-0123456789abcdefghij')],
    ['a session as a key', bearer(session)],
    ['an unknown session', { cookie: `signalbox-PORT=${session.replace('aaa', 'bbb')}` }],
    ['the cookie twice', { cookie: `signalbox-PORT=${session}; signalbox-PORT=other` }],
    ['a header that says who it is', { 'x-user': 'ann', 'x-forwarded-user': 'ann', 'sb-identity': 'ann' }],
  ];
  test.each(wrong)('%s', async (_, headers) => {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replaceAll('PORT', port)]));
    const answer = await get('/api/v1/whoami', sent);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await answer.json()).toEqual({
      type: 'https://signalbox.dev/problems/unauthenticated',
      title: 'Not signed in',
      status: 401,
      detail: 'this needs a valid API key or session',
      code: 'unauthenticated',
      next: 'Send `Authorization: Bearer sbx_…`, or sign in.',
    });
  });

  test('a key in the address is none', async () => {
    expect((await get(`/api/v1/whoami?access_token=${key}&authorization=Bearer%20${key}`)).status).not.toBe(200);
  });

  test('on every route, also by other spellings of its path', async () => {
    const paths = [
      '/api/v1/keys',
      '/api/v1/keys/',
      '//api/v1/keys',
      '/api/v1/%6beys',
      '/API/V1/KEYS',
      '/api/v1/./keys',
      '/api%2fv1/keys',
      '/api/v1/keys;a=b',
    ];
    for (const path of paths) {
      const answer = await get(path);
      const isPage = answer.headers.get('content-type')?.startsWith('text/html') === true; // the dashboard's, which knows nothing by itself
      expect([path, isPage || [401, 404].includes(answer.status)]).toEqual([path, true]);
    }
    for (const path of ['/api/v1/system/services', '/api/v1/events', '/api/v1/audit', '/api/v1/workspaces', '/api/v1/principals']) {
      expect([path, (await get(path)).status]).toEqual([path, 401]);
    }
  });
});

test('what the role does not allow is forbidden', async () => {
  expect((await get('/api/v1/system/services', bearer(viewerKey))).status).toBe(200);
  nats.issuer.addCredential({ roles: ['viewer'], scopes: ['runs:read'] }, 'sbx_gateway_test_key_narrow');
  expect((await get('/api/v1/system/services', bearer('sbx_gateway_test_key_narrow'))).status).toBe(403);
});

test('guessing is slowed down by address, and holds up nobody who is known', async () => {
  const strict = await start();
  try {
    await expect(get('/api/v1/whoami', bearer(key), strict.url)).resolves.toMatchObject({ status: 200 });
    const statuses = [];
    for (let guess = 0; guess < 35; guess++)
      statuses.push((await get('/api/v1/whoami', bearer(`sbx_guess_number_${guess}_of_many`), strict.url)).status);
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(401));
    expect(statuses.slice(30)).toEqual(Array(5).fill(429));
    await expect(get('/api/v1/whoami', bearer(key), strict.url)).resolves.toMatchObject({ status: 200 });
    expect((await get('/api/v1/whoami', bearer('sbx_guess_the_last_of_them'), strict.url)).headers.get('retry-after')).toMatch(/^\d+$/);
  } finally {
    await strict.stop();
  }
});

describe('a browser', () => {
  test('signs in with a key, is known by its cookie and signs out', async () => {
    const answer = await signIn();
    expect(answer.status).toBe(201);
    expect(JSON.stringify(await answer.json())).not.toContain(session);
    const setCookie = answer.headers.get('set-cookie')!;
    expect(setCookie).toMatch(new RegExp(`^signalbox-${port}=${session}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43(?:1\\d\\d|200)$`));
    const cookie = setCookie.split(';', 1)[0]!;
    expect((await get('/api/v1/whoami', { cookie })).status).toBe(200);

    const out = await fetch(`${gateway.url}/api/v1/session`, { method: 'DELETE', headers: fromPage({ cookie }) });
    expect(await out.json()).toEqual({ ended: true });
    expect(out.headers.get('set-cookie')).toMatch(new RegExp(`^signalbox-${port}=; .*Max-Age=0$`));
    revoked(session);
    await nats.connection.flush();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await get('/api/v1/whoami', { cookie })).status).toBe(401);
  });

  test('gets a new session at each sign-in, and the old one ends', async () => {
    const ended: string[] = [];
    await nats.answer(endSession, ({ session: shown }) => {
      ended.push(shown);
      return { ended: true };
    });
    await signIn(fromPage({ cookie: `signalbox-${port}=sbx_session_fixed_by_somebody` }));
    expect(ended).toEqual(['sbx_session_fixed_by_somebody']);
  });

  test('is not signed in by a wrong key', async () => {
    for (const wrong of ['sbx_nobody_ever_made_this_key', '', 'x']) {
      const answer = await signIn(fromPage(), { key: wrong });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('set-cookie')).toBeNull();
    }
    expect((await signIn(fromPage(), { key, role: 'admin' })).status).toBe(400);
  });

  const foreign: [string, Headers][] = [
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
    ['an address typed in', { 'sec-fetch-site': 'none' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': '' }],
    ['an opaque origin', { origin: 'null' }],
    ['no header of ours', { 'x-signalbox': '' }],
    ['a form', { 'content-type': 'text/plain' }],
  ];
  test.each(foreign)('is not made to act by %s', async (_, headers) => {
    const { cookie } = { cookie: `signalbox-${port}=${session}` };
    nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, session);
    const sent = Object.fromEntries(Object.entries(fromPage({ cookie, ...headers })).filter(([, value]) => value !== ''));
    const post = await fetch(`${gateway.url}/api/v1/keys`, { method: 'POST', headers: sent, body: JSON.stringify({ name: 'x' }) });
    expect([403, 415]).toContain(post.status);
    expect(post.headers.get('access-control-allow-origin')).toBeNull();
    expect([403, 415]).toContain((await signIn(sent)).status);
  });

  test('without Sec-Fetch-Site is known by its origin', async () => {
    const { 'sec-fetch-site': _, ...old } = fromPage();
    expect((await signIn(old)).status).toBe(201);
    const { origin: __, ...none } = old;
    expect((await signIn(none)).status).toBe(403);
  });

  test('opens no socket by cookie', async () => {
    const authenticator = gateway.app.get(Authenticator, { strict: false });
    const call = {
      method: 'GET',
      ip: '127.0.0.1',
      headers: { host: `127.0.0.1:${port}`, cookie: `signalbox-${port}=${session}`, upgrade: 'websocket' },
    };
    await expect(authenticator.authenticate(call)).rejects.toMatchObject({ code: 'forbidden' });
    const { cookie: _, ...headers } = call.headers;
    await expect(authenticator.authenticate({ ...call, headers: { ...headers, ...bearer(key) } })).resolves.toMatchObject({ name: 'ann' });
  });
});

test('behind TLS the cookie is bound to the host, and off loopback there is none without', async () => {
  const behind = await start({ publicUrl: 'https://signalbox.example' });
  const plain = await start({ allowedHosts: ['signalbox.lan'] });
  const { inject } = {
    inject: (running: RunningGateway, host: string, origin: string) =>
      running.app.inject({ method: 'POST', url: '/api/v1/session', headers: { ...fromPage(), host, origin }, payload: { key } }),
  };
  try {
    const secure = await inject(behind, 'signalbox.example', 'https://signalbox.example');
    expect(secure.headers['set-cookie']).toMatch(/^__Host-signalbox=sbx_session_a+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure$/);
    const lan = await inject(plain, 'signalbox.lan', 'http://signalbox.lan');
    expect([lan.statusCode, lan.headers['set-cookie']]).toEqual([403, undefined]);
  } finally {
    await behind.stop();
    await plain.stop();
  }
});

test('while security is away, who is known goes on and who is not is told so', async () => {
  await get('/api/v1/whoami', bearer(key));
  await nats.answer(issueIdentity, () => {
    throw new Fault('unavailable', 'security is not running', 'Try again.', { service: 'security' });
  });
  expect((await get('/api/v1/whoami', bearer(key))).status).toBe(200);
  const unknown = await get('/api/v1/whoami', bearer('sbx_gateway_test_key_unseen'));
  expect(unknown.status).toBe(503);
  expect(await unknown.json()).toMatchObject({ service: 'security' });
});
