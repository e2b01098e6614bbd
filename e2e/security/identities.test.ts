import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWK } from 'jose';
import { loadCatalogue } from '@signalbox/shared/bus/catalogue.js';
import { defineContract, serviceNames, type ServiceName } from '@signalbox/shared/bus/contract.js';
import { allows, type Role } from '@signalbox/shared/identity/roles.js';
import { permissionsOf } from '@signalbox/stack/nats/permissions.js';
import { testCase } from '../cases/case.ts';
import { expectOneOf } from '../cases/expect-one-of.ts';
import { until } from '../stack-under-test.ts';
import { ask, connectAs } from './bus-under-attack.ts';
import { operationsOf } from './openapi.ts';
import { raw, type RawAnswer } from './raw-request.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

let two: TwoWorkspaces;

beforeAll(async () => {
  two = await TwoWorkspaces.start();
});
afterAll(() => two?.[Symbol.asyncDispose]());

const doors: [method: string, path: string, body?: object][] = [
  ['GET', '/api/v1/agents'],
  ['POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }],
  ['GET', '/v1/models'],
  ['POST', '/api/v1/workers/lease', { agent: 'nobody', instance: 'w', credit: 1, waitMs: 0 }],
];
const knock = ([method, path, body]: (typeof doors)[number], key: string, from: string): Promise<RawAnswer> =>
  raw(two.stack, method, path, {
    key,
    from,
    ...(body && { body: JSON.stringify(body), headers: { accept: 'application/json, text/event-stream' } }),
  });

testCase('A02', 'wrong, empty, expired, revoked and foreign keys are 401 with one body at every door', async (happened) => {
  const expiring = await two.keyOf(['viewer'], { expiresInS: 1 });
  const revoked = await two.keyOf(['viewer']);
  await two.stack.rest('DELETE', `/api/v1/keys/${revoked.id}`);
  await sleep(1_200);
  const good = (await two.keyOf(['viewer'])).key;
  const bad: Record<string, string> = {
    'without a key': '',
    'no key at all': 'hello',
    'another checksum': `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`,
    'another secret': good.replace(/_[^_]{10}/, '_AAAAAAAAAA'),
    "another installation's": 'sbx_01m8759bezevx9egt7p4wa0dhs_bDuQKhpHcMswE1iAzJDKcrom6Lib55lu7rx8bTV0Owi_2PEqV0',
    expired: expiring.key,
    revoked: revoked.key,
    'very long': `sbx_${'a'.repeat(4_000)}`,
  };
  const bodies = new Set<string>();
  let address = 20;
  for (const [what, key] of Object.entries(bad)) {
    for (const door of doors) {
      const { status, text } = await knock(door, key, `127.0.0.${address}`);
      expect([what, door[1], status]).toEqual([what, door[1], 401]);
      if (door[1].startsWith('/api')) bodies.add(text.replaceAll(/"instance":"[^"]*",?/g, ''));
    }
    address++;
  }
  expect(bodies.size).toBe(1);
  happened(`${Object.keys(bad).length} credentials × ${doors.length} doors: 401; REST has one body`);
});

testCase('A02', 'guesses from one address are limited, and hold up nobody who is known', async (happened) => {
  const known = (await two.keyOf(['viewer'])).key;
  await knock(doors[0]!, known, '127.0.0.60');
  let guesses = 0;
  for (; guesses < 100; guesses++) if ((await knock(doors[0]!, `sbx_guess${guesses}`, '127.0.0.60')).status === 429) break;
  expect(guesses).toBeLessThanOrEqual(31);
  const limited = await knock(doors[0]!, 'sbx_one_more', '127.0.0.60');
  expect([limited.status, Number(limited.headers['retry-after']) > 0]).toEqual([429, true]);
  expect((await knock(doors[0]!, known, '127.0.0.60')).status).toBe(200);
  expect((await knock(doors[0]!, 'sbx_elsewhere', '127.0.0.61')).status).toBe(401);
  happened(`429 after ${guesses} guesses, with Retry-After; a known key at that address goes on`);
});

testCase('A02', 'a revoked key is refused everywhere within 5 s', async (happened) => {
  const { key, id } = await two.keyOf(['operator']);
  for (const door of doors) expect([door[1], (await knock(door, key, '127.0.0.62')).status === 401]).toEqual([door[1], false]);
  await two.stack.rest('DELETE', `/api/v1/keys/${id}`);
  const since = performance.now();
  for (const door of doors) await until(`${door[1]} refuses`, async () => (await knock(door, key, '127.0.0.62')).status === 401, 5_000);
  happened(`all ${doors.length} doors within ${Math.round(performance.now() - since)} ms`);
});

testCase('A03', 'viewer and agent call each mutating operation: 403, before anything is read or written', async (happened) => {
  const workspace = await two.workspaceOf(two.admin);
  const keys = { viewer: await two.keyOf(['viewer']), agent: await two.keyOf(['agent']) };
  await sleep(500); // keys note their first use
  const before = await two.rowsOf(workspace);
  const { operations } = await operationsOf(two.stack);
  const counts = { viewer: 0, agent: 0 };
  for (const operation of operations) {
    for (const role of ['viewer', 'agent'] as const) {
      const { permission, method } = operation;
      if (!permission || permission === 'any' || permission === 'none' || allows([role as Role], [], permission)) continue;
      const path = operation.path.replaceAll(/\{\w+\}/g, 'x');
      const answer = await raw(two.stack, method, path, { key: keys[role].key, ...(operation.hasBody && { body: '{}' }) });
      expect([role, method, path, answer.status]).toEqual([role, method, path, 403]);
      expect(answer.text).toContain(permission);
      counts[role]++;
    }
  }
  expect(Math.min(counts.viewer, counts.agent)).toBeGreaterThan(20);
  for (let again = 0; again < 200; again++) await raw(two.stack, 'POST', '/api/v1/principals', { key: keys.viewer.key, body: '{}' });
  const audited = async (principal: string): Promise<{ outcome: string }[]> =>
    ((await two.stack.rest('GET', `/api/v1/audit?principal=${principal}&outcome=denied`)).body as { data: { outcome: string }[] }).data;
  for (const { principal } of Object.values(keys)) {
    await until('the denials are audited', async () => (await audited(principal)).length > 0, 10_000);
    expect((await audited(principal)).length).toBeLessThanOrEqual(4);
  }
  const changed = Object.entries(await two.rowsOf(workspace)).filter(([table, digest]) => before[table] !== digest);
  expect(changed.map(([table]) => table).filter((table) => !/audit|outbox|api_key/.test(table))).toEqual([]);
  happened(
    `viewer ${counts.viewer}, agent ${counts.agent} operations: 403 naming the permission; ${counts.viewer + 200} denials are ${(await audited(keys.viewer.principal)).length} audit entries`,
  );
});

testCase('A03', 'nobody mints rights above their own', async (happened) => {
  const operator = await two.keyOf(['operator']);
  const narrow = await two.keyOf(['admin'], { scopes: ['keys:*', 'principals:*'] });
  const create = (path: string, key: string, body: object): Promise<RawAnswer> =>
    raw(two.stack, 'POST', path, { key, body: JSON.stringify(body) });
  for (const [what, answer] of [
    ['an operator makes an administrator’s key', await create('/api/v1/keys', operator.key, { name: 'x', roles: ['admin'] })],
    ['an operator makes a principal', await create('/api/v1/principals', operator.key, { kind: 'user', name: 'x', roles: ['viewer'] })],
    [
      'an operator makes a key of the administrator',
      await create('/api/v1/keys', operator.key, { name: 'x', principal: await adminPrincipal() }),
    ],
    ['a scoped key makes one without scopes', await create('/api/v1/keys', narrow.key, { name: 'x' })],
    ['a scoped key makes one with others', await create('/api/v1/keys', narrow.key, { name: 'x', scopes: ['agents:*'] })],
    ['an administrator of a workspace makes another', await create('/api/v1/workspaces', two.theirs.key, { name: 'mine' })],
  ] as const) {
    expect([what, answer.status]).toEqual([what, 403]);
  }
  happened('6 ways up: 403');
});

const adminPrincipal = async (): Promise<string> =>
  ((await two.stack.rest('GET', '/api/v1/whoami')).body as { principal: string }).principal;

testCase('A03', 'a contract without a permission cannot be defined, and every contract has one', async (happened) => {
  class Empty {}
  const facts = {
    subject: 'sb.context.state.peek',
    request: Empty,
    reply: Empty,
    callers: [],
    timeoutMs: 1,
    maxBytes: 1,
    idempotent: true,
  };
  expect(() => defineContract({ ...facts, permission: '' })).toThrow(/declares no permission/);
  const { contracts } = await loadCatalogue();
  expect(contracts.filter(({ permission }) => !permission)).toEqual([]);
  happened(`${contracts.length} contracts, each with a permission; one without throws as it is defined`);
});

testCase('A05', "each service's NATS user on the subjects, inboxes and streams of others", async (happened) => {
  const catalogue = await loadCatalogue();
  let tried = 0;
  for (const service of serviceNames) {
    const own = permissionsOf(service, catalogue);
    await using connection = Object.assign(await connectAs(two.stack, service), {
      async [Symbol.asyncDispose](this: { close: () => Promise<void> }) {
        await this.close();
      },
    });
    const violated = new Set<string>();
    void (async () => {
      for await (const status of connection.status()) {
        if (status.type === 'error') violated.add(/"([^"]+)"/.exec(status.error.message)?.[1] ?? status.error.message);
      }
    })();
    const foreignSubjects = catalogue.contracts
      .map(({ subject, identity }) => (identity === 'service' ? `${subject}.${service}` : subject).replace('*', '7'))
      .filter((subject) => !own.publish.some((allowed) => matches(allowed, subject)));
    const others = serviceNames.filter((name) => name !== service);
    const forged = catalogue.contracts.filter(({ identity }) => identity === 'service').map(({ subject }) => `${subject}.${others[0]}`);
    const events = catalogue.events.filter((event) => event.service !== service).map(({ subject }) => subject);
    const publish = [
      ...foreignSubjects,
      ...forged,
      ...events,
      `_INBOX_${others[0]}.x`,
      '$JS.API.STREAM.DELETE.EVENTS',
      '$JS.API.STREAM.PURGE.EVENTS',
      '$SYS.REQ.SERVER.PING',
    ];
    const hear = [
      '>',
      'sb.>',
      '*',
      '_INBOX.>',
      '$SYS.>',
      ...others.map((name) => `_INBOX_${name}.>`),
      ...others.map((name) => `sb.${name}.>`),
    ];
    for (const subject of publish) connection.publish(subject, '{}');
    const refused = await Promise.all(
      hear.map(
        (subject) =>
          new Promise<boolean>((resolve) => {
            connection.subscribe(subject, { callback: (error) => resolve(error !== null) });
            setTimeout(() => resolve(false), 3_000).unref();
          }),
      ),
    );
    expect([service, hear.filter((_, index) => !refused[index])]).toEqual([service, []]);
    await connection.flush();
    await until('violations are told', async () => publish.every((subject) => violated.has(subject)), 5_000).catch(() => undefined);
    expect([service, publish.filter((subject) => !violated.has(subject))]).toEqual([service, []]);
    tried += publish.length + hear.length;
  }
  happened(`${tried} foreign subjects over 7 users: permission violations`);
});

function matches(pattern: string, subject: string): boolean {
  const parts = pattern.split('.');
  const given = subject.split('.');
  return (
    parts.every((part, index) => part === '>' || ((part === '*' || part === given[index]) && given[index] !== undefined)) &&
    (parts.at(-1) === '>' || parts.length === given.length)
  );
}

testCase(
  'A06',
  'identities that are missing, unsigned, signed otherwise, for others, expired or by unknown keys are refused',
  async (happened) => {
    const connection = await connectAs(two.stack, 'api-gateway');
    try {
      const { token } = await genuine(connection, 'context');
      const { keys } = (await ask(connection, 'sb.security.signing-keys.get.api-gateway', {})).body as { keys: JWK[] };
      const [, payload] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as Record<string, unknown>;
      const header = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string };
      const own = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
      const publicKey = await importJWK(
        keys.find(({ kid }) => kid === header.kid)!,
        'EdDSA',
      );
      const secret = await exportSPKI(publicKey as never);
      const hs256 = (value: string | Buffer): string => {
        const head = Buffer.from(JSON.stringify({ alg: 'HS256', kid: header.kid })).toString('base64url');
        return `${head}.${payload}.${createHmac('sha256', value).update(`${head}.${payload}`).digest('base64url')}`;
      };
      const tokens: Record<string, string | undefined> = {
        missing: undefined,
        empty: '',
        'alg none': new UnsecuredJWT(claims).encode(),
        'HS256 by the public key (SPKI)': hs256(secret),
        'HS256 by the public key (raw)': hs256(Buffer.from((keys[0] as { x: string }).x, 'base64url')),
        'another key under a known id': await new SignJWT(claims)
          .setProtectedHeader({ alg: 'EdDSA', kid: header.kid })
          .sign(own.privateKey),
        'an unknown key id': await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: 'nobody' }).sign(own.privateKey),
        'a key in its own header': await new SignJWT(claims)
          .setProtectedHeader({ alg: 'EdDSA', jwk: keys[0] as never })
          .sign(own.privateKey),
        'more rights, old signature': `${token.split('.')[0]}.${Buffer.from(JSON.stringify({ ...claims, workspace: crypto.randomUUID() })).toString('base64url')}.${token.split('.')[2]}`,
        'cut short': token.slice(0, -3),
        'for another service': (await genuine(connection, 'registry')).token,
      };
      for (const [what, identity] of Object.entries(tokens)) {
        const { code } = await ask(connection, 'sb.context.state.list', { scope: 'workspace' }, identity);
        expect([what, code]).toEqual([what, 'unauthenticated']);
      }
      expect((await ask(connection, 'sb.context.state.list', { scope: 'workspace' }, token)).code).toBe('ok');
      for (const name of [
        'sb-identity',
        'x-signalbox-workspace',
        'x-forwarded-user',
        'x-original-url',
        'x-http-method-override',
        'x-user',
        'x-middleware-subrequest',
      ]) {
        const answer = await raw(two.stack, 'GET', '/api/v1/agents', {
          headers: { [name]: name === 'sb-identity' ? token : '/healthz' },
          from: '127.0.0.70',
        });
        expect([name, answer.status]).toEqual([name, 401]);
      }
      happened(`${Object.keys(tokens).length} identities: unauthenticated; 7 bypass headers at the door: 401`);
    } finally {
      await connection.close();
    }
  },
);

testCase('A07', 'an identity is worth nothing at another service, nor after its time', async (happened) => {
  const connection = await connectAs(two.stack, 'api-gateway');
  try {
    const brief = await two.keyOf(['viewer'], { expiresInS: 3 });
    const { token, expiresAt } = await genuine(connection, 'context', brief.key);
    for (const [subject, body] of [
      ['sb.registry.agent.list', {}],
      ['sb.execution.run.list', {}],
      ['sb.security.key.list', {}],
      ['sb.mcp-server.tool.list', {}],
    ] as const) {
      expectOneOf(subject, (await ask(connection, subject, body, token)).code, ['unauthenticated']);
    }
    expect((await ask(connection, 'sb.context.state.list', { scope: 'workspace' }, token)).code).toBe('ok');
    await sleep(Math.max(0, expiresAt - Date.now()) + 1_100);
    expect((await ask(connection, 'sb.context.state.list', { scope: 'workspace' }, token)).code).toBe('unauthenticated');
    happened('refused at 4 other services; refused at its own once its time was over');
  } finally {
    await connection.close();
  }
});

async function genuine(
  connection: Awaited<ReturnType<typeof connectAs>>,
  audience: ServiceName,
  key = two.admin,
): Promise<{ token: string; expiresAt: number }> {
  const { code, body } = await ask(connection, 'sb.security.identity.issue.api-gateway', { kind: 'key', credential: key, audience });
  expect(code).toBe('ok');
  return body as { token: string; expiresAt: number };
}
