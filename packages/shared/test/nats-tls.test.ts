import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connectBus } from '../src/bus/connection.ts';
import { makeCertificates, type Certificates } from './certificates.ts';
import { startNats, type TestNats } from './nats.ts';

let folder: string;
let ours: Certificates;
let theirs: Certificates;
let secure: TestNats;
let plain: TestNats;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sb-tls-'));
  ours = makeCertificates(folder, 'ours');
  theirs = makeCertificates(folder, 'theirs');
  [secure, plain] = await Promise.all([startNats(ours), startNats()]);
});
afterAll(async () => {
  await Promise.all([secure[Symbol.asyncDispose](), plain[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

test.each(['localhost', '127.0.0.1'])('a server behind TLS is reached by its name or address (%s)', async (host) => {
  const natsUrl = secure.url.replace(/^nats:\/\/[^:]+/, `tls://${host}`);
  const connection = await connectBus({ natsUrl, natsCaFile: ours.caFile, name: 'registry' });
  expect(connection.info?.tls_required).toBe(true);
  await connection.close();
});

test('a certificate of another CA is refused, and the variable that names the right one is said', async () => {
  for (const natsCaFile of [theirs.caFile, ''])
    await expect(connectBus({ natsUrl: secure.url.replace('nats:', 'tls:'), natsCaFile, name: 'registry' })).rejects.toThrow(
      /NATS at 127\.0\.0\.1 cannot be trusted: .*NATS_CA_FILE/,
    );
});

test('a certificate for other names is refused, also where the client knows the server by its address alone', async () => {
  const other = makeCertificates(folder, 'other', 'DNS:nats.example.org');
  const onLocalhost = makeCertificates(folder, 'localhost', 'DNS:localhost');
  for (const certificates of [other, onLocalhost]) {
    await using server = await startNats(certificates);
    await expect(connectBus({ natsUrl: server.url, natsCaFile: certificates.caFile, name: 'registry' })).rejects.toThrow(
      /cannot be trusted/,
    );
  }
});

test('a server without TLS is refused where TLS was asked for: nobody can talk the client out of it', async () => {
  await expect(connectBus({ natsUrl: plain.url.replace('nats:', 'tls:'), name: 'registry' })).rejects.toThrow(/does not support 'tls'/);
  await expect(connectBus({ natsUrl: plain.url, natsCaFile: ours.caFile, name: 'registry' })).rejects.toThrow(/does not support 'tls'/);
});

test('a server behind TLS that does not listen yet is waited for', async () => {
  const { url } = await startNats(ours).then(async (server) => {
    await server[Symbol.asyncDispose]();
    return server;
  });
  let isConnected = false;
  const connecting = connectBus({ natsUrl: url, natsCaFile: ours.caFile, name: 'registry' }).then((connection) => {
    isConnected = true;
    return connection;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(isConnected).toBe(false);
  await using _server = await startNats(ours, Number(new URL(url).port));
  await (await connecting).close();
});

const address = Object.values(networkInterfaces())
  .flat()
  .find((each) => each && !each.internal && each.family === 'IPv4')?.address;

(address === undefined ? test.skip : test)('an address of this machine that is not loopback is served by TLS', async () => {
  const certificates = makeCertificates(folder, 'far', `IP:${address}`);
  await using server = await startNats(certificates, 0, address);
  const connection = await connectBus({ natsUrl: server.url, natsCaFile: certificates.caFile, name: 'registry' });
  await connection.close();
});
