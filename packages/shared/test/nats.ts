import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import type { Certificates } from './certificates.ts';

export interface TestNats extends AsyncDisposable {
  url: string;
}

/** A real nats-server of its own, with JetStream; `SIGNALBOX_NATS_SERVER` names the binary where it is not on the PATH. */
export async function startNats(certificates?: Certificates, givenPort = 0, host = '127.0.0.1'): Promise<TestNats> {
  const port = givenPort || (await freePort());
  const store = await mkdtemp(join(tmpdir(), 'sb-nats-'));
  const binary = process.env['SIGNALBOX_NATS_SERVER'] ?? 'nats-server';
  const child = spawn(binary, ['-a', host, '-p', String(port), '-js', '-sd', store, ...tlsArguments(certificates)], { stdio: 'ignore' });
  const url = `nats://${host}:${port}`;
  const tls = certificates && { tls: { caFile: certificates.caFile, rejectUnauthorized: false } };
  const probe = await connect({ servers: url, waitOnFirstConnect: true, reconnectTimeWait: 20, timeout: 1_000, ...tls });
  await probe.close();
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      await rm(store, { recursive: true, force: true });
    },
  };
}

function tlsArguments(certificates?: Certificates): string[] {
  return certificates ? ['--tls', '--tlscert', certificates.certFile, '--tlskey', certificates.keyFile] : [];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
