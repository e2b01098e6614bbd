import 'reflect-metadata';
import { expect, test } from '@jest/globals';
import { revokeKey } from '@signalbox/shared/contracts/security/revoke-key.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { listKeys } from '@signalbox/shared/contracts/security/list-keys.js';
import { currentCall, entryTraceparent } from '@signalbox/shared/telemetry/call-context.js';
import { startTracing, stopTracing } from '@signalbox/shared/telemetry/tracing.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { TestCollector } from '@signalbox/testkit/test-collector.js';
import { GatewayConfig } from '../src/gateway.config.ts';
import { startGateway } from '../src/start-gateway.ts';

test('a request goes on its client’s trace, or begins one; what a client does not record is not', async () => {
  await using collector = await TestCollector.start();
  await using nats = await TestBus.start();
  const key = 'sbx_request_trace_key_of_ann';
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  await nats.answer(listKeys, () => ({ data: [], nextCursor: null }));
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  const gateway = await startGateway(config);
  try {
    await startTracing('api-gateway', { endpoint: collector.url, headers: '' });
    const get = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
      const response = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${key}`, ...headers } });
      await response.arrayBuffer();
    };
    const traceparent = entryTraceparent();
    await get('/api/v1/keys', { traceparent });
    await get('/api/v1/keys', { traceparent: entryTraceparent().replace(/01$/, '00') });
    await get('/api/v1/keys', { traceparent: 'nonsense' });
    await get(`/nowhere/${key}`);
    await collector.until(({ name }) => name === 'GET /*');
    const [followed, begun, ...more] = collector.spans.filter(({ name }) => name === 'GET /api/v1/keys');
    expect(followed).toMatchObject({
      trace: traceparent.slice(3, 35),
      parent: traceparent.slice(36, 52),
      service: 'signalbox-api-gateway',
    });
    expect(followed?.attributes).toMatchObject({ 'http.response.status_code': 200, 'http.route': '/api/v1/keys' });
    expect(begun?.parent).toBeUndefined();
    expect(more).toEqual([]);
    expect(JSON.stringify(collector.spans)).not.toContain(key);
    expect(currentCall()).toBeUndefined();
  } finally {
    await stopTracing();
    await gateway.stop();
  }
}, 60_000);

test('what is asked for a mirrored call, by its header or by W3C Baggage, reads and changes nothing', async () => {
  await using nats = await TestBus.start();
  const key = 'sbx_request_mirror_key_of_ann';
  nats.issuer.addCredential({ principal: 'user_ann', name: 'ann', roles: ['admin'] }, key);
  await nats.answer(listKeys, () => ({ data: [], nextCursor: null }));
  await nats.answer(revokeKey, () => Promise.reject(new Fault('conflict', 'it was asked', 'Ask no more.')));
  const config = Object.assign(new GatewayConfig(), { port: 0, natsUrl: nats.url, natsCreds: nats.credsFile('api-gateway') });
  const gateway = await startGateway(config);
  try {
    const ask = async (method: string, path: string, headers: Record<string, string>): Promise<number> => {
      const response = await fetch(`${gateway.url}${path}`, { method, headers: { authorization: `Bearer ${key}`, ...headers } });
      await response.arrayBuffer();
      return response.status;
    };
    const one = `/api/v1/keys/${newId('key')}`;
    for (const said of [{ 'signalbox-mirror': 'true' }, { baggage: 'tenant=a, signalbox-mirror = true;x=1' }]) {
      expect(await ask('GET', '/api/v1/keys', said)).toBe(200);
      expect(await ask('DELETE', one, said)).toBe(403);
    }
    expect(await ask('DELETE', one, { baggage: 'signalbox-mirror=trueish' })).toBe(409);
  } finally {
    await gateway.stop();
  }
}, 60_000);
