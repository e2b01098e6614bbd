import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { listInstances } from '@signalbox/shared/contracts/registry/list-instances.js';
import { startDeployment } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { stopDeployment } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { resolveSecret } from '@signalbox/shared/contracts/security/resolve-secret.js';
import { secretChanged } from '@signalbox/shared/contracts/security/secret-changed.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { BeatGateway } from './beat-gateway.ts';
import { agentManifest, deploymentManifest, startRegistry, until, type RegistryUnderTest } from './registry.ts';

const workerFile = fileURLToPath(new URL('beating-worker.mjs', import.meta.url));
let registry: RegistryUnderTest;
const gateway = new BeatGateway(() => registry);
const secrets = new Map<string, string>();

beforeAll(async () => {
  registry = await startRegistry({
    HEARTBEAT_MS: '1000',
    MISSED_BEATS: '5',
    SIGNALBOX_URL: await gateway.start(),
    RUNNER_CWD: fileURLToPath(new URL('.', import.meta.url)),
  });
  await registry.service.answer(resolveSecret, ({ name }) => {
    const value = secrets.get(name);
    if (value === undefined) throw new Fault('not_found', `there is no secret ${name}`, 'Set it.');
    return { version: 1, value };
  });
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await gateway.stop();
});
beforeEach(() => {
  secrets.clear();
});

const specWith = (mode: string, env: Record<string, string>) => ({
  kind: 'worker',
  skills: [{ name: 'work', description: 'Does it.' }],
  worker: { runner: 'local', command: ['node', workerFile, mode], env },
});

async function deploy(name: string, mode: string, env: Record<string, string>): Promise<void> {
  await registry.service.request(applyAgent, { name, manifest: agentManifest(name, specWith(mode, env)) });
  await registry.service.request(applyDeployment, { name, manifest: deploymentManifest(name, [{ name, agent: name }]) });
  await registry.service.request(startDeployment, { name });
}

async function change(name: string, value: string): Promise<void> {
  secrets.set(name, value);
  await registry.service.publish(secretChanged, { name, version: 2, change: 'set' });
}

const liveInstance = async (agent: string): Promise<string | false> => {
  const { data } = await registry.service.request(listInstances, { agent });
  const live = data.filter(({ status }) => status === 'live');
  return live.length === 1 && live[0]!.instance;
};

const tokenOf = (instance: string) => gateway.beats.find((beat) => beat.instance === instance)?.token;

test('a worker has the secret in its environment, and is started anew when it changes', async () => {
  secrets.set('token', 'canary-of-a-worker-1');
  await deploy('given', 'well', { API_TOKEN: 'secret://token' });
  const first = await until('the first instance', () => liveInstance('given'));
  expect(tokenOf(first)).toBe('canary-of-a-worker-1');
  await change('token', 'canary-of-a-worker-2');
  const second = await until('another instance', async () => {
    const now = await liveInstance('given');
    return now !== first && now;
  });
  expect(tokenOf(second)).toBe('canary-of-a-worker-2');
  await registry.service.request(stopDeployment, { name: 'given' });
}, 60_000);

test('a missing secret is named on the board, and the worker starts once it is set', async () => {
  await deploy('lacking', 'well', { API_TOKEN: 'secret://not-yet' });
  await until('the reason', async () => {
    const board = JSON.stringify(await registry.service.request(getBoard, { name: 'lacking' }));
    return board.includes('there is no secret not-yet: set it with `signalbox secrets set not-yet`');
  });
  await change('not-yet', 'canary-at-last');
  await until('the instance', () => liveInstance('lacking'), 20_000);
  await registry.service.request(stopDeployment, { name: 'lacking' });
}, 60_000);

test('what a worker says last of its secret is kept nowhere (A52)', async () => {
  secrets.set('token', 'canary-of-a-worker-3');
  await deploy('telling', 'tells', { API_TOKEN: 'secret://token' });
  await until('the reason', async () =>
    JSON.stringify(await registry.service.request(getBoard, { name: 'telling' })).includes('cannot log in with [secret:token]'),
  );
  const tables = await registry.service.database.sql<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'registry'`,
  );
  for (const { name } of tables) {
    const [row] = await registry.service.database.sql<{ all: string | null }>(
      `SELECT string_agg(t::text, ' ') AS all FROM registry.${name} t`,
    );
    expect([name, row!.all?.includes('canary')]).not.toEqual([name, true]);
  }
  await registry.service.request(stopDeployment, { name: 'telling' });
}, 60_000);

test('only who may use secrets gives one to an agent', async () => {
  const manifest = agentManifest('sly', { kind: 'http', http: { url: 'https://x.test/', headers: { 'x-key': 'secret://token' } } });
  await expect(registry.service.request(applyAgent, { name: 'sly', manifest }, { as: { roles: ['operator'] } })).rejects.toMatchObject({
    code: 'forbidden',
    detail: 'this needs the permission secrets:use',
  });
  await expect(registry.service.request(applyAgent, { name: 'sly', manifest })).resolves.toMatchObject({ action: 'created' });
});
