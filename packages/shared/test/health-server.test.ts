import { afterEach, expect, test } from '@jest/globals';
import { HealthServer, type HealthCheck } from '../src/health/health-server.ts';

let server: HealthServer | null = null;
afterEach(() => server?.stop());

async function start(checks: Record<string, HealthCheck>): Promise<string> {
  server = new HealthServer({ service: 'context', host: '127.0.0.1', port: 0, checks, metrics: () => 'runs_total 3\n' });
  return `http://127.0.0.1:${await server.start()}`;
}

test('a service that works is alive and ready', async () => {
  const url = await start({ nats: async () => undefined });
  await expect(fetch(`${url}/healthz`).then((r) => r.json())).resolves.toEqual({ status: 'ok', service: 'context' });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'ok', checks: { nats: 'ok' } }]);
});

test('a part that fails or hangs makes it not ready, and is named', async () => {
  const url = await start({ nats: async () => Promise.reject(new Error('no route')), postgresql: () => new Promise(() => undefined) });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 'not ready', checks: { nats: 'no route', postgresql: 'no answer in time' } },
  ]);
});

test('a service that stops is alive but not ready', async () => {
  const url = await start({});
  server?.drain();
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test('metrics are in the text format, other paths are unknown', async () => {
  const url = await start({});
  const metrics = await fetch(`${url}/metrics`).then((r) => r.text());
  expect(metrics).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(metrics).toContain('runs_total 3');
  expect((await fetch(`${url}/secrets`)).status).toBe(404);
});
