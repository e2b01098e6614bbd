import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { connectBus } from '@signalbox/shared/bus/connection.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { startBareNats } from '../bare-nats.ts';
import { measured, median, type Bench } from '../measurement.ts';
import { bareSubject, echo } from './echo.ts';

const body = { text: 'the quick brown fox jumps over the lazy dog', count: 42 };

/** A typed request through our bus (identity, deadline, trace, both checks) beside bare request and reply on the same connection and server. */
export const busBench: Bench = {
  name: 'bus',
  async run({ rounds, isSmoke }) {
    const samples = isSmoke ? 1_000 : 5_000;
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
    await using nats = await startBareNats(folder);
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const jwk = JSON.stringify({ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'EdDSA' });
    const responder = fork(fileURLToPath(new URL('./responder.js', import.meta.url)), [nats.url, jwk], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    try {
      await once(responder, 'message');
      const connection = await connectBus({ natsUrl: nats.url, name: 'api-gateway' });
      const bus = new Bus('api-gateway', connection);
      const token = await new SignJWT({ workspace: '018f0000-0000-7000-8000-000000000001', name: 'bench', roles: ['viewer'], scopes: [] })
        .setProtectedHeader({ alg: 'EdDSA', kid: 'bench' })
        .setIssuer('signalbox')
        .setSubject('user_bench')
        .setAudience('context')
        .setExpirationTime('1h')
        .sign(privateKey);
      const caller: Caller = {
        workspace: '018f0000-0000-7000-8000-000000000001',
        principal: 'user_bench',
        name: 'bench',
        roles: ['viewer'],
        scopes: [],
        tokenFor: async () => token,
      };
      const ours = (): Promise<unknown> => bus.request(echo, body, caller);
      const bare = async (): Promise<unknown> => (await connection.request(bareSubject, JSON.stringify(body), { timeout: 5_000 })).json();

      const values: number[] = [];
      const floors: number[] = [];
      await p50(ours, samples / 2);
      await p50(bare, samples / 2);
      for (let round = 0; round < rounds; round++) {
        floors.push(await p50(bare, samples));
        values.push(await p50(ours, samples));
      }
      await connection.close();
      return [measured({ bench: 'bus', what: 'typed request, p50', unit: 'ms' }, values, { floors, goalOf: (floor) => floor * 1.5 })];
    } finally {
      responder.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function p50(once_: () => Promise<unknown>, samples: number): Promise<number> {
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const from = performance.now();
    await once_();
    times.push(performance.now() - from);
  }
  return median(times);
}
