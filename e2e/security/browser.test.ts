import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startBrowser, Visitor } from '../browser/browser.ts';
import { testCase } from '../cases/case.ts';
import { expectOneOf } from '../cases/expect-one-of.ts';
import { until } from '../stack-under-test.ts';
import { raw } from './raw-request.ts';
import { TwoWorkspaces } from './two-workspaces.ts';

let two: TwoWorkspaces;
let key: string;
let browser: Browser;

beforeAll(async () => {
  two = await TwoWorkspaces.start();
  key = two.admin;
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await two?.[Symbol.asyncDispose]();
});

/** An open stream of events; `closed` once the server ended it. */
async function openStream(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: () => string; closed: () => boolean; end: () => void }> {
  const sent = request({
    host: '127.0.0.1',
    port: two.stack.port,
    path,
    agent: false,
    headers: { accept: 'text/event-stream', ...headers },
  });
  const response = await new Promise<IncomingMessage>((resolve, reject) => sent.once('response', resolve).once('error', reject).end());
  let text = '';
  let isClosed = false;
  response.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (const event of ['end', 'close', 'error', 'aborted']) response.once(event, () => (isClosed = true));
  sent.on('error', () => undefined);
  return { status: response.statusCode!, text: () => text, closed: () => isClosed, end: () => sent.destroy() };
}

testCase('A13', 'open streams of a revoked key are closed within 5 s', async (happened) => {
  const { key: own, id } = await two.keyOf(['operator']);
  const authorization = `Bearer ${own}`;
  const opened = await raw(two.stack, 'POST', '/mcp', {
    key: own,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
    headers: { accept: 'application/json, text/event-stream' },
  });
  const session = String(opened.headers['mcp-session-id']);
  const streams = {
    'live events': await openStream('/api/v1/events', { authorization }),
    'an MCP session': await openStream('/mcp', { authorization, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }),
    "another key's events": await openStream('/api/v1/events', { authorization: `Bearer ${key}` }),
  };
  expect(Object.values(streams).map(({ status }) => status)).toEqual([200, 200, 200]);
  await two.stack.rest('DELETE', `/api/v1/keys/${id}`);
  const since = performance.now();
  await until('both are closed', async () => streams['live events'].closed() && streams['an MCP session'].closed(), 5_000);
  happened(`closed after ${Math.round(performance.now() - since)} ms; another key's stream stays`);
  expect(streams["another key's events"].closed()).toBe(false);
  streams["another key's events"].end();
});

testCase('A18', 'paths out of artifacts, static files and folders of manifests are refused', async (happened) => {
  const { stack } = two;
  const statics = [
    '/../../../../etc/passwd',
    '/assets/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/%00',
    '/.env',
    '/assets/../../package.json',
    '//etc/passwd',
    '/assets/..\\..\\package.json',
    '/docs/../../package.json',
    '/..;/etc/passwd',
  ];
  for (const path of statics) {
    const answer = await raw(stack, 'GET', path, { key });
    expect([path, /root:|"name": "|dependencies/.test(answer.text)]).toEqual([path, false]);
    if (answer.status === 200) expect([path, answer.text]).toEqual([path, expect.stringContaining('<!doctype html>')]);
  }
  const names = ['../x', '..', 'a/b', 'a\\b', '/etc/passwd', 'a\0b', '.', 'x\r\ny'];
  for (const name of names) {
    const answer = await raw(stack, 'POST', `/api/v1/artifacts?name=${encodeURIComponent(name)}`, {
      key,
      body: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expectOneOf(`artifact ${JSON.stringify(name)}`, answer.status, [400]);
  }
  for (const id of ['..%2f..%2fetc%2fpasswd', '%2e%2e', 'artifact_%00', '....//']) {
    expectOneOf(`artifact ${id}`, (await raw(stack, 'GET', `/api/v1/artifacts/${id}/content`, { key })).status, [400, 404]);
  }
  const folder = join(stack.data, 'bundle');
  await mkdir(folder);
  await writeFile(
    join(stack.data, 'outside.yaml'),
    'apiVersion: signalbox.dev/v1\nkind: Agent\nmetadata: { name: outside }\nspec: { kind: worker, worker: {} }\n',
  );
  await symlink(join(stack.data, 'outside.yaml'), join(folder, 'link.yaml'));
  const linked = await stack.cli('apply', '-f', folder, '--yes');
  for (const files of ['[../outside.yaml]', '[link.yaml]', '[/etc/passwd]']) {
    await writeFile(
      join(folder, 'signalbox.yaml'),
      `apiVersion: signalbox.dev/v1\nkind: Bundle\nmetadata: { name: x }\nspec: { files: ${files} }\n`,
    );
    const { code, err } = await stack.cli('apply', '-f', folder, '--yes');
    expect([files, code]).toEqual([files, 2]);
    expect(err).toMatch(/outside its folder|names|must/);
  }
  expect(linked.code).toBe(2);
  expect((await raw(stack, 'GET', '/api/v1/agents/outside', { key })).status).toBe(404);
  happened(`${statics.length} static paths, ${names.length} artifact names, 4 ids, links and 3 bundles: refused`);
});

const evils = [
  '<img src=x onerror="window.injected=1">',
  '<svg onload="window.injected=1">',
  '<script>window.injected=1</script>',
  'javascript:window.injected=1',
  '"><iframe srcdoc="<script>parent.injected=1</script>">',
  '[x](javascript:window.injected=1)',
];

testCase(
  'A19',
  'HTML, SVG and javascript: in names, descriptions, state, messages and reports are inert on every page',
  async (happened) => {
    const { stack } = two;
    const put = (path: string, body: unknown): ReturnType<typeof raw> => raw(stack, 'PUT', path, { key, body: JSON.stringify(body) });
    const description = evils.join(' ');
    const meta = { name: 'evil', description };
    const said = [
      await put('/api/v1/agents/evil', {
        apiVersion: 'signalbox.dev/v1',
        kind: 'Agent',
        metadata: meta,
        spec: { kind: 'worker', description, skills: [{ name: 'do', description }], worker: {} },
      }),
      await put('/api/v1/workflows/evil', {
        apiVersion: 'signalbox.dev/v1',
        kind: 'Workflow',
        metadata: meta,
        spec: { steps: { a: { label: evils[0], value: description }, b: { value: '${{ fromJson(steps.a.output) }}' } } },
      }),
      await put('/api/v1/deployments/evil', {
        apiVersion: 'signalbox.dev/v1',
        kind: 'Deployment',
        metadata: meta,
        spec: { owner: evils[0], agents: [{ name: 'evil', steps: [{ name: 'review', source: 'reported', estimate: [1, 2] }] }] },
      }),
      await put('/api/v1/deployments/evil/agents/evil/steps/review', { state: 'failed', note: description }),
      await put('/api/v1/state/workspace/evil', { value: description }),
      await raw(stack, 'POST', '/api/v1/principals', {
        key,
        body: JSON.stringify({ kind: 'service-account', name: evils[1], roles: ['viewer'] }),
      }),
      await raw(stack, 'POST', '/api/v1/keys', { key, body: JSON.stringify({ name: evils[0] }) }),
    ];
    const run = await raw(stack, 'POST', '/api/v1/workflows/evil/runs', {
      key,
      body: JSON.stringify({ input: { x: description }, labels: { note: evils[3] } }),
    });
    const page = await raw(stack, 'POST', '/api/v1/artifacts?name=evil.html', {
      key,
      body: `<html><body>${description}</body></html>`,
      headers: { 'content-type': 'text/html' },
    });
    const drawing = await raw(stack, 'POST', '/api/v1/artifacts?name=evil.svg', {
      key,
      body: '<svg xmlns="http://www.w3.org/2000/svg" onload="window.injected=1"/>',
      headers: { 'content-type': 'image/svg+xml' },
    });
    expect([...said, run, page, drawing].map(({ status }) => status).filter((status) => status >= 400)).toEqual([]);
    await using visitor = await Visitor.open(browser, stack.url);
    await visitor.signIn(key);
    const { id } = run.body as { id: string };
    const pages = [
      '/',
      '/deployments/evil',
      '/agents',
      '/agents/evil',
      '/workflows',
      '/workflows/evil',
      '/runs',
      `/runs/${id}`,
      '/keys',
      '/audit',
      '/artifacts',
      '/state',
      '/services',
      '/threads',
    ];
    for (const path of pages) {
      await visitor.page.goto(stack.url + path);
      await visitor.page.getByRole('heading', { level: 1 }).first().waitFor();
      await visitor.page.waitForTimeout(150);
      expect([
        path,
        await visitor.page.evaluate('[window.injected, document.querySelectorAll("[onerror],[onload],iframe,a[href^=javascript]").length]'),
      ]).toEqual([path, [undefined, 0]]);
    }
    happened(`${evils.length} payloads in 10 places, ${pages.length} pages: nothing ran`);
  },
);

testCase('A20', 'an artifact opened by its address is an attachment, nosniff and sandboxed', async (happened) => {
  for (const [name, type] of [
    ['a.html', 'text/html'],
    ['a.svg', 'image/svg+xml'],
    ['a.js', 'text/javascript'],
    ['a.pdf', 'application/pdf'],
    ['a', 'text/html; charset=utf-7'],
  ]) {
    const made = await raw(two.stack, 'POST', `/api/v1/artifacts?name=${name}`, {
      key,
      body: '<script>window.injected=1</script>',
      headers: { 'content-type': type! },
    });
    const { id } = made.body as { id: string };
    const { headers } = await raw(two.stack, 'GET', `/api/v1/artifacts/${id}/content`, { key });
    expect(headers['content-disposition']).toMatch(/^attachment/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toMatch(/sandbox/);
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  }
  happened('5 media types: attachment, nosniff, sandbox, same-origin');
});

testCase('A21', 'line breaks, ANSI and bidi in names make one record, one event, and no control codes in the CLI', async (happened) => {
  const { stack } = two;
  const evil = 'a\r\nid: 99\ndata: {"forged":true}\n\n\u001b[31m\u001b]0;title\u0007\u202eevil\u2028x\u009b2J';
  const stream = await openStream('/api/v1/events', { authorization: `Bearer ${key}` });
  const made = await raw(stack, 'PUT', '/api/v1/agents/steered', {
    key,
    body: JSON.stringify({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Agent',
      metadata: { name: 'steered', description: evil },
      spec: { kind: 'worker', description: evil, worker: {} },
    }),
    headers: { 'user-agent': 'x \u009b31m' },
  });
  expectOneOf(made.text, made.status, [200, 201]);
  await raw(stack, 'POST', '/api/v1/principals', {
    key,
    body: JSON.stringify({ kind: 'service-account', name: `steered ${evil}`.slice(0, 90), roles: ['viewer'] }),
  });
  await raw(stack, 'GET', '/api/v1/agents/x%0d%0aforged%1b%5b31m', { key });
  await until('the event comes', async () => stream.text().includes('steered'));
  const blocks = stream
    .text()
    .split('\n\n')
    .filter((block) => block.includes('data:'));
  for (const block of blocks) {
    expect(block.split('\n').filter((line) => line.startsWith('id:')).length).toBeLessThanOrEqual(1);
    expect(block).not.toMatch(/^id: 99$|^data: \{"forged"/m);
    expect(
      () =>
        JSON.parse(
          block
            .split('\n')
            .filter((line) => line.startsWith('data:'))
            .map((line) => line.slice(5))
            .join('\n'),
        ) as unknown,
    ).not.toThrow();
  }
  stream.end();
  const bad = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\u001b(?!\[[\d;]*m)|\u001b\]/;
  for (const args of [
    ['agents'],
    ['agents', 'steered'],
    ['keys', 'list'],
    ['audit', 'list'],
    ['agents', 'steered', '--json'],
    ['status'],
  ]) {
    const { out, err } = await stack.cli(...args);
    expect([args.join(' '), bad.exec(out + err)?.[0]]).toEqual([args.join(' '), undefined]);
    expect([args.join(' '), (out + err).includes('\u001b[31m\u001b]')]).toEqual([args.join(' '), false]);
  }
  for (const service of ['api-gateway', 'registry', 'security']) {
    const log = await readFile(join(stack.data, 'logs', `${service}.log`), 'utf8');
    for (const line of log.split('\n').filter(Boolean)) {
      expect(() => JSON.parse(line) as unknown).not.toThrow();
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  }
  happened(`${blocks.length} events of one id each, 6 commands without control codes, 3 logs of one JSON record a line`);
});

testCase('A25', 'foreign origins, rebound hosts and simple posts get 403 and no CORS headers', async (happened) => {
  const { stack } = two;
  const cookie = await signedIn();
  const tries: [what: string, method: string, path: string, headers: Record<string, string>, body?: string][] = [
    ['rebinding: foreign Host', 'GET', '/api/v1/agents', { host: 'evil.example' }],
    ['rebinding: foreign Host with port', 'GET', '/', { host: `evil.example:${stack.port}` }],
    ['rebinding: at MCP', 'POST', '/mcp', { host: 'evil.example', 'content-type': 'application/json' }, '{}'],
    ['rebinding: at OpenAI', 'GET', '/v1/models', { host: 'evil.example' }],
    [
      'foreign Origin, by cookie',
      'POST',
      '/api/v1/keys',
      { cookie, origin: 'https://evil.example', 'x-signalbox': '1', 'content-type': 'application/json' },
      '{"name":"x"}',
    ],
    [
      'null Origin, by cookie',
      'POST',
      '/api/v1/keys',
      { cookie, origin: 'null', 'x-signalbox': '1', 'content-type': 'application/json' },
      '{"name":"x"}',
    ],
    [
      'no-cors text/plain, by cookie',
      'POST',
      '/api/v1/keys',
      { cookie, 'content-type': 'text/plain', 'sec-fetch-mode': 'no-cors', 'sec-fetch-site': 'cross-site' },
      '{"name":"x"}',
    ],
    ['cross-site delete, by cookie', 'DELETE', '/api/v1/session', { cookie, 'sec-fetch-site': 'cross-site' }],
    [
      'foreign Origin at MCP',
      'POST',
      '/mcp',
      { authorization: `Bearer ${key}`, origin: 'https://evil.example', 'content-type': 'application/json' },
      '{}',
    ],
  ];
  for (const [what, method, path, headers, body] of tries) {
    const answer = await raw(stack, method, path, { headers, ...(body && { body }) });
    expectOneOf(what, answer.status, [403]);
    expect([what, Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))]).toEqual([what, []]);
  }
  const preflight = await raw(stack, 'OPTIONS', '/api/v1/keys', {
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  });
  expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  happened(`${tries.length} ways: 403; no CORS header, also to a preflight`);
});

/** The cookie of a session that was signed in as a page of ours does. */
async function signedIn(as = key): Promise<string> {
  const origin = two.stack.url;
  const answer = await raw(two.stack, 'POST', '/api/v1/session', {
    body: JSON.stringify({ key: as }),
    headers: { origin, 'sec-fetch-site': 'same-origin', 'x-signalbox': '1' },
  });
  expect(answer.status).toBe(201);
  return String(answer.headers['set-cookie']).split(';')[0]!;
}

testCase('A26', 'the dashboard cannot be framed, and an injected script does not run', async (happened) => {
  const { stack } = two;
  await using visitor = await Visitor.open(browser, stack.url);
  await visitor.signIn(key);
  const { page } = visitor;
  const { headers } = await raw(stack, 'GET', '/');
  const policy = String(headers['content-security-policy']);
  expect(policy).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval|https?:/);
  await page.evaluate(`{
    const script = document.createElement('script');
    try { script.textContent = 'window.injected = true'; } catch {}
    document.body.append(script);
    try { document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="window.injected = true">'); } catch {}
    try { setTimeout('window.injected = true', 0); } catch {}
  }`);
  await page.waitForTimeout(300);
  expect(await page.evaluate('window.injected')).toBeUndefined();
  const framing = await browser.newPage();
  await framing.goto(`${stack.url}/healthz`);
  await framing.setContent(`<iframe src="${stack.url}/"></iframe>`);
  await framing.waitForTimeout(500);
  const framed = framing.frames().filter((frame) => frame !== framing.mainFrame());
  for (const frame of framed) expect(await frame.content().catch(() => '')).not.toContain('id="root"');
  await framing.close();
  happened('no frame shows it; an inline script, a handler and a text timer did not run');
});

testCase(
  'A27',
  'login by another site is refused, an id is new at each login, a cookie ends with logout and with other roles',
  async (happened) => {
    const { stack } = two;
    for (const headers of [
      { origin: 'https://evil.example', 'x-signalbox': '1' },
      { 'sec-fetch-site': 'cross-site', 'x-signalbox': '1' },
      { origin: stack.url, 'sec-fetch-site': 'same-origin' },
    ]) {
      const answer = await raw(stack, 'POST', '/api/v1/session', {
        body: JSON.stringify({ key }),
        headers: headers as Record<string, string>,
      });
      expect([answer.status, answer.headers['set-cookie']]).toEqual([403, undefined]);
    }
    const first = await signedIn();
    const fixed = await raw(stack, 'POST', '/api/v1/session', {
      body: JSON.stringify({ key }),
      headers: { origin: stack.url, 'sec-fetch-site': 'same-origin', 'x-signalbox': '1', cookie: first },
    });
    const second = String(fixed.headers['set-cookie']).split(';')[0]!;
    expect(second).not.toBe(first);
    const who = async (cookie: string): Promise<number> => (await raw(stack, 'GET', '/api/v1/whoami', { headers: { cookie } })).status;
    await until('the session before has ended', async () => (await who(first)) === 401, 5_000);
    expect(await who(second)).toBe(200);
    await raw(stack, 'DELETE', '/api/v1/session', {
      headers: {
        cookie: second,
        origin: stack.url,
        'sec-fetch-site': 'same-origin',
        'x-signalbox': '1',
        'content-type': 'application/json',
      },
    });
    await until('a cookie after logout', async () => (await who(second)) === 401, 5_000);
    const operator = await two.keyOf(['operator']);
    const cookie = await signedIn(operator.key);
    expect(await who(cookie)).toBe(200);
    await stack.rest('PATCH', `/api/v1/principals/${operator.principal}`, { body: { roles: ['viewer'] } });
    const since = performance.now();
    await until('a cookie after a role change', async () => (await who(cookie)) === 401, 5_000);
    happened(
      `3 foreign logins: 403; a fixed id is replaced and ends; gone after logout, and ${Math.round(performance.now() - since)} ms after other roles`,
    );
  },
);
