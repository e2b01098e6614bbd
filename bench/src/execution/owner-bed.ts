import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Bus } from '@signalbox/shared/bus/bus.js';
import { applyWorkflow } from '@signalbox/shared/contracts/execution/apply-workflow.js';
import { startRun } from '@signalbox/shared/contracts/execution/start-run.js';
import { loadMigrations } from '@signalbox/stack/database/migrations.js';
import { TestBus } from '@signalbox/testkit/test-bus.js';
import { TestDatabase } from '@signalbox/testkit/test-database.js';
import { ensureTestRoles } from '@signalbox/testkit/test-postgres.js';
import { insist } from './engine.ts';

const execution = new URL('../../../apps/execution/', import.meta.url);
/** Starts in flight: few enough that none is refused. */
const atOnce = 100;
const lookMs = 50;

/** `execution` as a process of its own, looked at from outside. */
export class OwnerBed implements AsyncDisposable {
  private owner: ChildProcess | undefined;
  /** Where the owner's inspector listens. */
  private inspector = Promise.resolve('');

  private constructor(
    readonly bus: TestBus,
    private readonly database: TestDatabase,
    private readonly gateway: Bus,
  ) {}

  static async make(pgUrl: string): Promise<OwnerBed> {
    await ensureTestRoles(pgUrl);
    const database = await TestDatabase.create('execution', pgUrl);
    await database.migrate(await loadMigrations(fileURLToPath(new URL('dist/migrations', execution))));
    const bus = await TestBus.start();
    return new OwnerBed(bus, database, await bus.as('api-gateway'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.bus[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }

  /** Starts runs of one step, and an owner for them where none is. */
  async start(runs: number, step: object): Promise<void> {
    this.spawn();
    const name = 'single';
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps: { only: step } } };
    await insist(() => this.gateway.request(applyWorkflow, { name, manifest }, this.bus.caller()));
    const caller = this.bus.caller({ principal: 'user_bench', roles: ['operator'] });
    let next = 0;
    const starter = async (): Promise<void> => {
      while (next++ < runs) await insist(() => this.gateway.request(startRun, { workflow: name, input: {} }, caller));
    };
    await Promise.all(Array.from({ length: Math.min(runs, atOnce) }, starter));
  }

  async untilResting(runs: number): Promise<void> {
    await this.untilCount('SELECT count(*)::int AS n FROM run WHERE wake_at IS NOT NULL', runs);
  }

  async untilEnded(runs: number): Promise<void> {
    await this.untilCount('SELECT count(*)::int AS n FROM run WHERE ended_at IS NOT NULL', runs);
  }

  /** The database's clock, which runs are due by, in ms since 1970. */
  async clock(): Promise<number> {
    const [row] = await this.database.sql<{ at: Date }>('SELECT now() AS at');
    return (row?.at as Date).getTime();
  }

  /** What the owner's heap holds once all that nobody needs is gone. */
  async heapBytes(): Promise<number> {
    const socket = new WebSocket(await this.inspector);
    await once(socket, 'open');
    const ask = async (method: string): Promise<{ result: { usedSize: number } }> => {
      socket.send(JSON.stringify({ id: 1, method }));
      const [{ data }] = (await once(socket, 'message')) as [{ data: string }];
      return JSON.parse(data) as { result: { usedSize: number } };
    };
    await ask('HeapProfiler.collectGarbage');
    const { usedSize } = (await ask('Runtime.getHeapUsage')).result;
    socket.close();
    return usedSize;
  }

  /** What the owner's process takes of memory, with its part of what it shares. */
  async pssBytes(): Promise<number> {
    const rollup = await readFile(`/proc/${this.owner?.pid}/smaps_rollup`, 'latin1');
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1_024;
  }

  async kill(): Promise<void> {
    const { owner } = this;
    this.owner = undefined;
    if (owner === undefined) return;
    const exit = once(owner, 'exit');
    owner.kill('SIGKILL');
    await exit;
  }

  /** Starts an owner where none is. */
  spawn(): void {
    if (this.owner !== undefined) return;
    const main = fileURLToPath(new URL('dist/main.js', execution));
    this.owner = spawn(process.execPath, ['--max-semi-space-size=16', '--inspect=127.0.0.1:0', main], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        DATABASE_URL: this.database.url('request'),
        SYSTEM_DATABASE_URL: this.database.url('system'),
        NATS_URL: this.bus.url,
        NATS_CREDS: this.bus.credsFile('execution'),
        MANAGEMENT_PORT: '0',
        LOG_LEVEL: 'warn',
      },
    });
    const { stderr } = this.owner;
    this.inspector = new Promise((resolve) => {
      createInterface(stderr as Readable).on('line', (line) => {
        const url = /^Debugger listening on (ws:\S+)$/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
        else if (!/^(?:Debugger|For help)/.test(line)) console.error(line);
      });
    });
  }

  private async untilCount(query: string, runs: number): Promise<void> {
    for (const late = performance.now() + 120_000; ; await sleep(lookMs)) {
      const [row] = await this.database.sql<{ n: number }>(query);
      if (row && row.n >= runs) return;
      if (performance.now() > late) throw new Error(`of ${runs} runs ${row?.n} came so far in time`);
    }
  }
}
