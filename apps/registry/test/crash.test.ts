import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { startDeployment } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { BeatGateway } from './beat-gateway.ts';
import { agentManifest, deploymentManifest, startRegistry, until } from './registry.ts';

const mainFile = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const workerFile = fileURLToPath(new URL('beating-worker.mjs', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a registry that is killed takes its workers along, and the next one has each once', async () => {
  await using registry = await startRegistry();
  const gateway = new BeatGateway(() => registry);
  const url = await gateway.start();
  const { service } = registry;
  // From here on the registry is a process of its own, on the same database and bus.
  await service.stop();
  const run = (): ChildProcess =>
    spawn(process.execPath, [mainFile], {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: service.database.url('request'),
        SYSTEM_DATABASE_URL: service.database.url('system'),
        NATS_URL: service.bus.url,
        NATS_CREDS: service.bus.credsFile('registry'),
        SIGNALBOX_URL: url,
        HEARTBEAT_MS: '1000',
        DEPLOYMENT_LEASE_MS: '1000',
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
  const answers = (): Promise<boolean> =>
    service.request(getBoard, { name: 'pair' }).then(
      () => true,
      (fault: { code: string }) => fault.code === 'not_found',
    );
  const isDone = async (): Promise<boolean> => (await service.request(getBoard, { name: 'pair' })).status === 'done';

  const first = run();
  await until('the registry', answers, 20_000);
  const worker = { runner: 'local', command: ['node', workerFile], replicas: 2 };
  await service.request(applyAgent, { name: 'pair', manifest: agentManifest('pair', { kind: 'worker', worker }) });
  await service.request(applyDeployment, { name: 'pair', manifest: deploymentManifest('pair', [{ name: 'pair' }]) });
  await service.request(startDeployment, { name: 'pair' });
  await until('both workers', isDone, 15_000);
  const before = gateway.pids('pair');
  expect(before.filter(isAlive)).toHaveLength(2);

  const exit = once(first, 'exit');
  first.kill('SIGKILL');
  await exit;
  await until('the workers to end with it', () => Promise.resolve(before.every((pid) => !isAlive(pid))), 5_000);

  const second = run();
  try {
    await until('the next registry', answers, 20_000);
    await until('new workers', () => Promise.resolve(gateway.pids('pair').filter(isAlive).length >= 2), 15_000);
    await until('both workers again', isDone, 15_000);
    expect(gateway.pids('pair').filter(isAlive)).toHaveLength(2);
    expect(gateway.pids('pair')).toHaveLength(4);
    expect([...registry.keys.values()].filter(({ agent }) => agent === 'pair')).toHaveLength(2);
  } finally {
    const end = once(second, 'exit');
    second.kill('SIGTERM');
    await end;
    await gateway.stop();
  }
  expect(gateway.pids('pair').filter(isAlive)).toEqual([]);
}, 90_000);
