import 'reflect-metadata';
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { listRuns, type ListRunsReply, type ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { resolveAgent } from '@signalbox/shared/contracts/registry/resolve-agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { ensureTestRoles } from '@signalbox/testkit/test-postgres.js';

const agent = 'echo';
const execution = new URL('../../../apps/execution/', import.meta.url);
const tokenEveryMs = 20_000;
const endsWithinMs = 300_000;

/** A chain of steps, and a fan and its join; each resolves when the run has ended. */
export interface Runs {
  seq(steps: number): Promise<void>;
  fan(width: number): Promise<void>;
}

/** What is measured of any engine, with steps that a worker does. */
export interface EngineUnderBench extends Runs {
  /** The same with steps that nobody but the engine does: of ours, durable timers that are due at once, each begun and ended in the journal. */
  readonly inside: Runs;
  /** The engine's and the worker's processes. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** What else ours can be asked for. */
export interface Engine extends EngineUnderBench {
  /** A run of so many steps one after another, each done in so many turns. */
  turns(steps: number, maxTurns: number): Promise<void>;
  list(request: ListRunsRequest): Promise<ListRunsReply>;
  readonly database: TestDatabase;
  /** The engine's process alone. */
  readonly owner: number;
}

/**
 * `execution` as a process of its own on this PostgreSQL, a worker as another, and this process as who starts runs, over NATS: no gateway, which
 * the engines beside it do not have either.
 */
export async function startEngine({ pgUrl }: { pgUrl: string }): Promise<Engine> {
  await ensureTestRoles(pgUrl);
  const database = await TestDatabase.create('execution', pgUrl);
  await database.migrate(await loadMigrations(fileURLToPath(new URL('dist/migrations', execution))));
  const bus = await TestBus.start();
  await answerAsRegistry(bus);
  const owner = spawn(process.execPath, ['--max-semi-space-size=16', fileURLToPath(new URL('dist/main.js', execution))], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      DATABASE_URL: database.url('request'),
      SYSTEM_DATABASE_URL: database.url('system'),
      NATS_URL: bus.url,
      NATS_CREDS: bus.credsFile('execution'),
      MANAGEMENT_PORT: '0',
      LOG_LEVEL: 'warn',
    },
  });
  const worker = await startWorker(bus);
  const gateway = await bus.as('api-gateway');
  const caller = keptToken(bus.caller({ principal: 'user_bench', roles: ['operator'] }));
  const ready = new Map<string, Promise<unknown>>();
  const begin = async (name: string, steps: () => Record<string, object>, input: object): Promise<void> => {
    if (!ready.has(name)) {
      const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps: steps() } };
      ready.set(
        name,
        insist(() => gateway.request(applyWorkflow, { name, manifest }, bus.caller())),
      );
    }
    await ready.get(name);
    const { id, status } = await insist(() =>
      gateway.request(startRun, { workflow: name, input, waitMs: endsWithinMs }, caller, { timeoutMs: endsWithinMs + startRun.timeoutMs }),
    );
    if (status !== 'succeeded') throw new Error(`the run ${id} is ${status}`);
  };
  return {
    seq: (steps) => begin(`seq-${steps}`, () => chain(steps, task), {}),
    fan: (width) => begin('fan', () => fan({ agent, with: '${{ item }}' }), { list: upTo(width) }),
    inside: {
      seq: (steps) => begin(`inside-${steps}`, () => chain(steps, () => timer), {}),
      fan: (width) => begin('inside-fan', () => fan(timer), { list: upTo(width) }),
    },
    turns: (steps, maxTurns) =>
      begin(
        `turns-${steps}-${maxTurns}`,
        () => chain(steps, (number) => ({ ...task(number), repeat: { maxTurns, noProgress: false } })),
        {},
      ),
    list: (request) => gateway.request(listRuns, request, caller),
    database,
    owner: owner.pid as number,
    pids: [owner.pid as number, worker.pid as number],
    stop: async () => {
      worker.kill('SIGKILL');
      owner.kill('SIGTERM');
      await once(owner, 'exit');
      await bus[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A token serves for a while, as it does at the gateway: to sign one for each request is no part of a request. */
function keptToken(caller: Caller): Caller {
  let token: Promise<string> | undefined;
  let signedAt = 0;
  const tokenFor: Caller['tokenFor'] = (audience) => {
    if (token === undefined || performance.now() - signedAt > tokenEveryMs) {
      signedAt = performance.now();
      token = caller.tokenFor(audience);
    }
    return token;
  };
  return { ...caller, tokenFor };
}

/** A timer that is due when it is set. */
const timer = { wait: { until: '2026-01-01T00:00:00Z' } };

function task(number: number): object {
  return { agent, with: number };
}

function chain(length: number, stepOf: (number: number) => object): Record<string, object> {
  const step = (number: number): object => ({ ...stepOf(number), ...(number > 0 && { needs: [`s${number - 1}`] }) });
  return Object.fromEntries(upTo(length).map((number) => [`s${number}`, step(number)]));
}

function fan(step: object): Record<string, object> {
  return { all: { forEach: '${{ input.list }}', ...step } };
}

function upTo(length: number): number[] {
  return Array.from({ length }, (_, number) => number);
}

/** There is one agent, which has workers. */
export async function answerAsRegistry(bus: TestBus): Promise<void> {
  await bus.answer(resolveAgent, ({ name }) => {
    if (name !== agent) throw new Fault('not_found', `there is no agent ${name}`, 'Apply it.');
    const spec = { id: newId('agent'), name, kind: 'worker' as const, version: 1, hash: `sha256:${'0'.repeat(64)}`, spec: {} };
    return { ...spec, skills: [], status: 'healthy' as const, instances: [] };
  });
}

export async function startWorker(bus: TestBus): Promise<ChildProcess> {
  const caller = bus.caller({ principal: `agent_${agent}`, name: agent, roles: ['agent'] });
  const worker = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [bus.url, bus.credsFile('api-gateway'), agent], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const give = async (): Promise<void> => void worker.send({ token: await caller.tokenFor('execution') });
  await give();
  const timer = setInterval(() => void give(), tokenEveryMs);
  worker.once('exit', () => clearInterval(timer));
  return worker;
}

/** Until the engine is up. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + 30_000; ; await sleep(50)) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof Fault) || !['unavailable', 'timeout', 'limited'].includes(thrown.code) || performance.now() > end)
        throw thrown;
    }
  }
}
