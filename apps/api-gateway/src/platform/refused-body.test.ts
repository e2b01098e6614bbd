import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import Fastify from 'fastify';
import { parseJsonBodies } from './json-body.ts';
import { discardRefusedBodies } from './refused-body.ts';

const http = Fastify();
let port: number;

beforeAll(async () => {
  parseJsonBodies(http, 1_000);
  discardRefusedBodies(http);
  http.post('/', () => 'read');
  await http.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = http.server.address() as AddressInfo);
});
afterAll(() => http.close());

test('whoever sends far too much reads the refusal, not a broken connection', async () => {
  for (let round = 0; round < 5; round++) {
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify('y'.repeat(4_000_000)),
    });
    expect(answer.status).toBe(413);
    expect(await answer.text()).toContain('too large');
  }
});

test('one that never stops sending is cut', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // the reset is what is expected
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n');
  const chunk = `10000\r\n${'y'.repeat(0x10000)}\r\n`;
  let sent = 0;
  const send = (): void => {
    while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
  };
  socket.on('drain', send);
  socket.resume();
  send();
  await new Promise((resolve) => socket.once('close', resolve));
  expect(sent).toBeGreaterThan(1_000_000);
});

test('a client that goes away while it is refused does not keep the request', async () => {
  const socket = connect(port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9000000\r\n\r\n"yyy');
  await new Promise((resolve) => setTimeout(resolve, 100));
  socket.destroy();
  await once(socket, 'close');
  for (let wait = 0; wait < 100 && (await connections()) > 0; wait++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await connections()).toBe(0);
});

function connections(): Promise<number> {
  return new Promise((resolve, reject) => http.server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
}
