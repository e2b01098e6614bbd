import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from '@jest/globals';
import { listTools } from '@signalbox/shared/contracts/mcp-server/list-tools.js';
import { type Fault } from '@signalbox/shared/errors/fault.js';
import { applyAgent } from '@signalbox/shared/contracts/registry/apply-agent.js';
import { applyDeployment } from '@signalbox/shared/contracts/registry/apply-deployment.js';
import type { Board } from '@signalbox/shared/contracts/registry/board.js';
import { getBoard } from '@signalbox/shared/contracts/registry/get-board.js';
import { startDeployment, type StartDeploymentReply } from '@signalbox/shared/contracts/registry/start-deployment.js';
import { stopDeployment } from '@signalbox/shared/contracts/registry/stop-deployment.js';
import { BeatGateway } from './beat-gateway.ts';
import { agentManifest, deploymentManifest, startRegistry, until, type RegistryUnderTest } from './registry.ts';

export const workerFile = fileURLToPath(new URL('beating-worker.mjs', import.meta.url));

export let registry: RegistryUnderTest;
export const gateway = new BeatGateway(() => registry);
beforeAll(async () => {
  registry = await startRegistry({
    HEARTBEAT_MS: '1000',
    MISSED_BEATS: '5',
    ROLLOUT_LOOK_MS: '100',
    SIGNALBOX_URL: await gateway.start(),
    RUNNER_CWD: fileURLToPath(new URL('.', import.meta.url)),
    NODE_EXTRA_CA_CERTS: fileURLToPath(import.meta.url), // any file: Node warns of one without certificates
  });
  await registry.service.answer(listTools, ({ server }) => ({
    data: ['read', 'list'].map((name) => ({ server: server!, name, description: '', inputSchema: {} })),
    nextCursor: null,
  }));
}, 60_000);
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await gateway.stop();
});

export const skills = [{ name: 'work', description: 'Does it.' }];

export async function agent(name: string, spec: Record<string, unknown>): Promise<void> {
  await registry.service.request(applyAgent, { name, manifest: agentManifest(name, spec) });
}

export const localWorker = (name: string, worker: Record<string, unknown> = {}, mode = 'well'): Promise<void> =>
  agent(name, {
    kind: 'worker',
    skills,
    worker: { runner: 'local', command: ['node', workerFile, mode], env: { GREETING: 'hello' }, ...worker },
  });

export async function deploy(name: string, ...agents: Record<string, unknown>[]): Promise<StartDeploymentReply> {
  await registry.service.request(applyDeployment, { name, manifest: deploymentManifest(name, agents) });
  return registry.service.request(startDeployment, { name });
}

export async function deployAll(
  name: string,
  agents: Record<string, unknown>[],
  members: Record<string, unknown>[],
): Promise<StartDeploymentReply> {
  const manifest = deploymentManifest(name, agents, {}, members);
  await registry.service.request(applyDeployment, { name, manifest });
  return until('the deployment to be let go', () =>
    registry.service.request(startDeployment, { name }).catch((fault: Fault) => (fault.code === 'conflict' ? null : Promise.reject(fault))),
  );
}

export const board = (name: string): Promise<Board> => registry.service.request(getBoard, { name });
export const untilStatus = (name: string, status: string, timeoutMs = 20_000): Promise<Board> =>
  until(
    `${name} to be ${status}`,
    async () => {
      const seen = await board(name);
      return seen.status === status && seen;
    },
    timeoutMs,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify((await board(name)).agents)}`);
  });
export const stop = (name: string): Promise<unknown> => registry.service.request(stopDeployment, { name });

/** The versions of the instances that beat. */
export async function versions(name: string): Promise<number[]> {
  const rows = await registry.service.database.sql(
    `SELECT version FROM instance WHERE agent = '${name}' AND status = 'live' ORDER BY version`,
  );
  return (rows as { version: number }[]).map(({ version }) => version);
}

/** All processes that there are run these versions, and all of them beat. */
export function untilVersions(name: string, wanted: number[], timeoutMs = 20_000): Promise<unknown> {
  return until(
    `processes of versions ${wanted.join(', ')}`,
    async () => {
      const processes = await registry.service.database.sql(`SELECT slot FROM runner_process WHERE registered_agent = '${name}'`);
      return processes.length === wanted.length && (await versions(name)).join() === wanted.join();
    },
    timeoutMs,
  );
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
