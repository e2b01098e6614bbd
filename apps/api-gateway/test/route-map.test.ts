import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadCatalogue } from '@signalbox/shared/bus/catalogue.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { openApiDocument } from '../src/docs/openapi.ts';
import { routeMap, type Paths } from '../src/docs/route-map.ts';
import { GatewayConfig } from '../src/gateway.config.ts';
import { allRoutes } from '../src/rest/all-routes.ts';
import { startGateway, type RunningGateway } from '../src/start-gateway.ts';

const file = new URL('../../../docs/route-map.md', import.meta.url);
let nats: TestBus;
let gateway: RunningGateway;
let paths: Paths;

beforeAll(async () => {
  nats = await TestBus.start();
  const config = new GatewayConfig();
  config.natsUrl = nats.url;
  config.natsCreds = nats.credsFile('api-gateway');
  config.managementPort = 0;
  config.port = 0;
  gateway = await startGateway(config);
  ({ paths } = openApiDocument(allRoutes, '0', gateway.url) as { paths: Paths });
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
  await nats?.[Symbol.asyncDispose]();
});

test('the map of doors and contracts in docs/ is what the code says', async () => {
  const map = routeMap(gateway.routes, paths, await loadCatalogue());
  if (process.env['UPDATE_ROUTE_MAP']) await writeFile(file, map);
  expect(await readFile(file, 'utf8')).toBe(map);
});

test('whoever shows no key gets nothing but health, the dashboard and its sign-in', async () => {
  const open: string[] = [];
  for (const route of new Set(gateway.routes)) {
    const [method, path] = route.split(' ') as [string, string];
    if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) continue;
    const answer = await fetch(`${gateway.url}${path.replaceAll(/:[A-Za-z]+/g, 'x').replace('*', 'x')}`, {
      method,
      redirect: 'manual',
      headers: { accept: 'application/json', ...(method !== 'GET' && { 'content-type': 'application/json' }) },
      ...(method !== 'GET' && { body: '{}' }),
    });
    await answer.body?.cancel();
    if (answer.status !== 401) open.push(route);
  }
  expect(open.sort()).toEqual([
    'DELETE /api/v1/session', // 403: it wants the header that a page of ours sends
    'GET /*',
    'GET /docs',
    'GET /docs/reference.js',
    'GET /healthz',
    'GET /readyz',
    'POST /api/v1/session', // 400: it wants a key in its body
  ]);
}, 60_000);
