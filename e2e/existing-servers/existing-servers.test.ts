import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serviceNames } from '@signalbox/shared/bus/contract.js';
import { withClient } from '@signalbox/stack/database/connect.js';
import { ServersUnderTest } from '../servers-under-test.ts';
import { StackUnderTest } from '../stack-under-test.ts';

let servers: ServersUnderTest;
let stack: StackUnderTest;

beforeAll(async () => {
  servers = await ServersUnderTest.start();
  stack = await StackUnderTest.create(servers.environment);
}, 120_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  await servers?.[Symbol.asyncDispose]();
}, 60_000);

test('servers that are there already are used, the main job is done on them, and they stay when Signalbox stops', async () => {
  await stack.start('--no-example');
  expect(stack.output).not.toMatch(/PostgreSQL runs|NATS \S+ runs/);
  expect([...(await stack.processes()).keys()].sort()).toEqual([...serviceNames].sort());
  await stack.allUp();
  await stack.loadExample();
  const run = await stack.cli('run', 'repository-report', '--follow');
  expect([run.code, run.err]).toEqual([0, '']);
  expect(await stack.stop()).toBe(0);
  expect(await servers.natsListens()).toBe(true);
  const schemas = await withClient(servers.cluster.url('agents'), async (client) => {
    const { rows } = await client.query<{ name: string }>(`SELECT nspname AS name FROM pg_namespace WHERE nspname = 'execution'`);
    return rows;
  });
  expect(schemas).toEqual([{ name: 'execution' }]);
});

test('a second start on them needs no set-up', async () => {
  await stack.start('--no-example');
  expect(stack.output).not.toContain('Migrations applied');
  await stack.allUp();
  expect(await stack.stop()).toBe(0);
});

test('a folder without the credentials of every service is named', async () => {
  await using without = await StackUnderTest.create({ NATS_URL: servers.natsUrl, NATS_CREDS_DIR: tmpdir() });
  await expect(without.start('--no-example')).rejects.toThrow(/NATS_CREDS_DIR .* has no .*registry\.creds/);
});
