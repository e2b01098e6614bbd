import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { openDataSource } from './data-source.ts';

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** One message of the server (PostgreSQL, Frontend/Backend Protocol, message formats). */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

test('a server that ends a connection in the same breath in which it accepts it is an error of a query, not of the process', async () => {
  const accepted = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
  const ended = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'));
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.concat([accepted, ended])));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const url = `postgres://somebody:secret@127.0.0.1:${(server.address() as AddressInfo).port}/any?sslmode=disable`;
  await expect(openDataSource(url, 1, [], 'test')).rejects.toThrow();
});
