import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FaultProxy } from '../src/fault-proxy.ts';

let echo: Server;
let url: string;
let proxy: FaultProxy;

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  url = `tcp://127.0.0.1:${(echo.address() as AddressInfo).port}`;
  proxy = await FaultProxy.to(url);
});

afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await new Promise((resolve) => echo.close(resolve));
});

function open(): Socket {
  const socket = connect(Number(new URL(proxy.url(url)).port), '127.0.0.1');
  socket.on('error', () => undefined);
  return socket;
}

function reply(socket: Socket, timeoutMs = 2_000): Promise<string | null> {
  return new Promise((resolve) => {
    const onData = (piece: Buffer): void => {
      clearTimeout(timer);
      resolve(piece.toString());
    };
    const timer = setTimeout(() => {
      socket.off('data', onData).pause();
      resolve(null);
    }, timeoutMs);
    socket.once('data', onData).resume();
  });
}

test('lets all through, and delays it in order', async () => {
  const socket = open();
  socket.write('a');
  expect(await reply(socket)).toBe('a');
  expect(proxy.openLinks).toBe(1);
  proxy.set({ kind: 'delay', ms: 60 });
  const since = performance.now();
  socket.write('b');
  expect(await reply(socket)).toBe('b');
  expect(performance.now() - since).toBeGreaterThan(115); // there and back
});

test('a black hole keeps the link and says nothing, for new links too, until it ends', async () => {
  const socket = open();
  socket.write('a');
  await reply(socket);
  proxy.set({ kind: 'black-hole' });
  const late = open();
  late.write('c');
  socket.write('b');
  expect(await reply(socket, 100)).toBeNull();
  expect(await reply(late, 100)).toBeNull();
  const replies = Promise.all([reply(socket), reply(late)]);
  proxy.set({ kind: 'none' });
  expect(await replies).toEqual(['b', 'c']);
});

test('jitter delays each piece by another time, in order, and resets some links', async () => {
  proxy.set({ kind: 'jitter', ms: 20, resets: 0 });
  const socket = open();
  const took: number[] = [];
  for (const letter of 'abcdefghij') {
    const since = performance.now();
    socket.write(letter);
    expect(await reply(socket)).toBe(letter);
    took.push(performance.now() - since);
  }
  expect(Math.max(...took)).toBeGreaterThan(Math.min(...took) + 2);
  proxy.set({ kind: 'jitter', ms: 0, resets: 1 });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('k');
  await closed;
  expect(proxy.openLinks).toBe(0);
});

test('a cut is felt at once, and a refusing proxy takes nobody', async () => {
  const socket = open();
  socket.write('a');
  await reply(socket);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  proxy.cut();
  await closed;
  expect(proxy.openLinks).toBe(0);

  proxy.set({ kind: 'refuse' });
  const refused = open();
  await new Promise((resolve) => refused.once('close', resolve));
  proxy.set({ kind: 'none' });
  const again = open();
  again.write('d');
  expect(await reply(again)).toBe('d');
  again.end();
  await new Promise((resolve) => again.once('close', resolve));
});
