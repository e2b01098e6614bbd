import { gzipSync } from 'node:zlib';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AllowList, isPublicAddress } from './address.ts';
import { closeOutbound, fetchGuarded, Outbound } from './outbound.ts';
import { nextHop } from './redirect.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let server: Server;
let other: Server;
let base: string;
let otherBase: string;
let seen: { url: string; method: string; headers: IncomingMessage['headers']; body: string }[] = [];
let answer: Answer;

async function listen(): Promise<{ server: Server; base: string }> {
  const made = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ url: request.url!, method: request.method!, headers: request.headers, body });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return { server: made, base: `http://127.0.0.1:${(made.address() as AddressInfo).port}` };
}

beforeAll(async () => {
  ({ server, base } = await listen());
  ({ server: other, base: otherBase } = await listen());
});
afterAll(async () => {
  await closeOutbound();
  for (const each of [server, other]) {
    each.closeAllConnections();
    each.close();
  }
});
beforeEach(() => {
  seen = [];
  answer = (_, response) => response.end('hello');
});

const allowed = { allowInternal: ['127.0.0.0/8', 'localhost'] };

describe('A48: a target that is not public is refused before anything is sent, and nothing of it is told', () => {
  const port = (): number => (server.address() as AddressInfo).port;
  test.each([
    ['loopback', 'http://127.0.0.1:PORT/'],
    ['a name that leads to loopback', 'http://localhost:PORT/'],
    ['a v4-mapped address', 'http://[::ffff:127.0.0.1]:PORT/'],
    ['a v4-compatible address', 'http://[::127.0.0.1]:PORT/'],
    ['a decimal address', 'http://2130706433:PORT/'],
    ['a hexadecimal address', 'http://0x7f.1:PORT/'],
    ['an octal address', 'http://0177.0.0.1:PORT/'],
    ['the unspecified address', 'http://0.0.0.0:PORT/'],
    ['NAT64', 'http://[64:ff9b::7f00:1]:PORT/'],
    ['6to4', 'http://[2002:7f00:1::]:PORT/'],
    ['a private address', 'http://10.0.0.1:PORT/'],
    ['unique local', 'http://[fd00::1]:PORT/'],
    ['metadata', 'http://169.254.169.254/latest/meta-data/'],
    ["Azure's platform", 'http://168.63.129.16/'],
    ['carrier-grade NAT', 'http://100.100.100.200/'],
  ])('%s', async (_, url) => {
    const thrown = await fetchGuarded(url.replace('PORT', String(port())), undefined, { allowInternal: [] }).catch(
      (fault: unknown) => fault,
    );
    expect(thrown).toMatchObject({ name: 'Fault', code: 'forbidden' });
    expect((thrown as Error).message).not.toMatch(/127|169\.254/);
    expect(seen).toEqual([]);
  });

  test('by a redirect from an allowed host', async () => {
    answer = (_, response) => response.writeHead(302, { location: 'http://127.0.0.2:8099/secret' }).end('body of the redirect');
    const only = { allowInternal: [new URL(base).host] };
    await expect(fetchGuarded(base, undefined, only)).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('another port of a host that is listed with one', async () => {
    await expect(fetchGuarded(otherBase, undefined, { allowInternal: [new URL(base).host] })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test.each([
    ['file:', 'file:///etc/passwd'],
    ['javascript:', 'javascript:alert(1)'],
    ['a user and password', 'http://ann:secret@example.com/'],
    ['no URL', '/relative'],
  ])('%s is invalid', async (_, url) => {
    await expect(fetchGuarded(url, undefined, allowed)).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('redirects', () => {
  test('within a site keep method, body and credentials where the status says so', async () => {
    answer = (request, response) => (request.url === '/a' ? response.writeHead(307, { location: '/b' }).end() : response.end('there'));
    const response = await fetchGuarded(`${base}/a`, { method: 'POST', body: '{"a":1}', headers: { authorization: 'Bearer x' } }, allowed);
    expect(await response.text()).toBe('there');
    expect(response.url).toBe(`${base}/b`);
    expect(seen[1]).toMatchObject({ method: 'POST', body: '{"a":1}', headers: { authorization: 'Bearer x' } });
  });

  test('to another origin lose everything that could be a credential', async () => {
    answer = (request, response) =>
      request.url === '/a' ? response.writeHead(302, { location: `${otherBase}/b` }).end() : response.end('there');
    const headers = { authorization: 'Bearer x', cookie: 'a=b', 'x-api-key': 'k', accept: 'text/plain' };
    await fetchGuarded(`${base}/a`, { headers }, allowed);
    expect(seen[1]!.headers).toMatchObject({ accept: 'text/plain' });
    for (const name of ['authorization', 'cookie', 'x-api-key']) expect(seen[1]!.headers).not.toHaveProperty(name);
  });

  test('do not carry a body to another origin', async () => {
    answer = (_, response) => response.writeHead(308, { location: `${otherBase}/b` }).end();
    await expect(fetchGuarded(`${base}/a`, { method: 'POST', body: 'client_secret=1' }, allowed)).rejects.toMatchObject({
      code: 'invalid',
    });
    expect(seen).toHaveLength(1);
  });

  test('turn a POST into a GET on 303', async () => {
    answer = (request, response) => (request.url === '/a' ? response.writeHead(303, { location: '/b' }).end() : response.end());
    await fetchGuarded(`${base}/a`, { method: 'POST', body: new URLSearchParams({ a: '1' }) }, allowed);
    expect(seen.map(({ method, body }) => [method, body])).toEqual([
      ['POST', 'a=1'],
      ['GET', ''],
    ]);
  });

  test('are followed three times and not a fourth', async () => {
    answer = (request, response) => response.writeHead(302, { location: `${request.url}x` }).end();
    await expect(fetchGuarded(`${base}/a`, undefined, allowed)).rejects.toMatchObject({ code: 'invalid' });
    expect(seen.map(({ url }) => url)).toEqual(['/a', '/ax', '/axx', '/axxx']);
  });

  test('can be seen or refused', async () => {
    answer = (_, response) => response.writeHead(302, { location: '/b' }).end();
    expect((await fetchGuarded(base, { redirect: 'manual' }, allowed)).status).toBe(302);
    await expect(fetchGuarded(base, { redirect: 'error' }, allowed)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('from http to https of the same host count as the same site; a stream is not sent twice', () => {
    const hop = { url: new URL('http://a.example/x'), method: 'POST', headers: new Headers({ authorization: 'x' }), body: 'b' };
    expect(nextHop(hop, 308, 'https://a.example/x')).toMatchObject({ method: 'POST', body: 'b' });
    expect(nextHop(hop, 308, 'https://a.example/x')!.headers.get('authorization')).toBe('x');
    expect(() => nextHop({ ...hop, body: new ReadableStream() as never }, 307, '/y')).toThrow('stream');
    expect(nextHop(hop, 200, '/y')).toBeNull();
    expect(() => nextHop(hop, 302, 'file:///etc/passwd')).toThrow('only http');
  });
});

describe('limits', () => {
  test('an answer over the size is cut, also one that grows by decompression', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1_000_000)));
    const response = await fetchGuarded(base, undefined, { ...allowed, maxBytes: 10_000 });
    await expect(response.text()).rejects.toMatchObject({ code: 'limited' });
    expect((await fetchGuarded(base, undefined, allowed)).headers.has('content-encoding')).toBe(false);
  });

  test('an answer that takes too long ends, in its headers and in its body', async () => {
    answer = () => undefined;
    await expect(fetchGuarded(base, undefined, { ...allowed, timeoutMs: 80 })).rejects.toMatchObject({ code: 'timeout' });
    answer = (_, response) => void response.writeHead(200).write('a');
    const response = await fetchGuarded(base, undefined, { ...allowed, timeoutMs: 700 });
    await expect(response.text()).rejects.toMatchObject({ code: 'timeout' });
  });

  test('silence ends a stream that may live long', async () => {
    answer = (_, response) => void response.writeHead(200).write('a');
    const response = await fetchGuarded(base, undefined, { ...allowed, timeoutMs: Infinity, idleMs: 1_000 });
    await expect(response.text()).rejects.toMatchObject({ code: 'timeout' });
  });

  test("the caller's abort is passed on as it is", async () => {
    answer = () => undefined;
    const controller = new AbortController();
    const asking = fetchGuarded(base, { signal: controller.signal }, allowed);
    controller.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
  });
});

test('a server that is not there, or breaks off, is unavailable', async () => {
  await expect(fetchGuarded('http://127.0.0.1:1/', undefined, allowed)).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
  const rude: TcpServer = createTcpServer((socket) => socket.on('error', () => undefined).destroy());
  await new Promise<void>((resolve) => rude.listen(0, '127.0.0.1', resolve));
  const { port } = rude.address() as AddressInfo;
  await expect(fetchGuarded(`http://127.0.0.1:${port}`, undefined, allowed)).rejects.toMatchObject({ code: 'unavailable' });
  rude.close();
});

test('it is a fetch as libraries expect it', async () => {
  answer = (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
  const outbound = new Outbound(allowed);
  const response = await outbound.fetch(new Request(base, { method: 'PUT', body: 'x', headers: { 'x-a': '1' } }));
  expect(response).toBeInstanceOf(Response);
  expect(seen[0]).toMatchObject({ method: 'PUT', body: 'x', headers: { 'x-a': '1', 'user-agent': 'signalbox' } });
  const parts: string[] = [];
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) parts.push(part);
  expect(parts.join('')).toBe('data: 1\n\n');
  answer = (_, empty) => empty.writeHead(204).end();
  expect((await outbound.fetch(base)).body).toBeNull();
  answer = (_, long) => long.writeHead(200).end(Buffer.alloc(500_000));
  await (await outbound.fetch(base)).body!.cancel();
  await outbound.close();
});

test('no proxy of the environment is used', async () => {
  process.env['HTTP_PROXY'] = process.env['http_proxy'] = otherBase;
  try {
    await fetchGuarded(`${base}/direct`, undefined, { ...allowed, maxBytes: 77 });
    expect(seen[0]!.url).toBe('/direct');
  } finally {
    delete process.env['HTTP_PROXY'];
    delete process.env['http_proxy'];
  }
});

describe("an administrator's list", () => {
  test('takes names, addresses and networks, with a port or without', () => {
    const list = new AllowList(['models.internal:8080', 'Files.Internal', '10.1.0.0/16', '[::1]:9', 'fd00::/8', '127.0.0.1', '']);
    expect(list.allowsHost('models.internal', 8080)).toBe(true);
    expect(list.allowsHost('models.internal', 80)).toBe(false);
    expect(list.allowsHost('files.internal', 1)).toBe(true);
    expect(list.allowsAddress('10.1.2.3', 1)).toBe(true);
    expect(list.allowsAddress('10.2.2.3', 1)).toBe(false);
    expect(list.allowsAddress('::1', 9)).toBe(true);
    expect(list.allowsAddress('::1', 8)).toBe(false);
    expect(list.allowsAddress('fd12::1', 8)).toBe(true);
    expect(list.allowsAddress('::ffff:127.0.0.1', 8)).toBe(true);
    expect(list.allowsAddress('nonsense', 8)).toBe(false);
  });
  test.each(['http://a', '10.0.0.0/99', 'a:99999', 'a b', '-'])('refuses %s', (entry) => {
    expect(() => new AllowList([entry])).toThrow('no host');
  });
});

test('addresses of the public internet are public', () => {
  expect(['8.8.8.8', '2001:4860:4860::8888'].map(isPublicAddress)).toEqual([true, true]);
  expect(['4000::1', '5f00::1', 'nonsense', '192.0.2.1'].map(isPublicAddress)).toEqual([false, false, false, false]);
});
