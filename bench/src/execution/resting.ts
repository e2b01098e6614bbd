import 'reflect-metadata';
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
import { measured, type BenchOptions, type Measurement } from '../measurement.ts';
import { insist } from './engine.ts';

const execution = new URL('../../../apps/execution/', import.meta.url);
/** Starts in flight: few enough that none is refused. */
const atOnce = 100;
/** From the first start until the runs are due: time to start them and for all to rest, which nobody does for less than 10 s. */
const napMs = 30_000;
const lookMs = 50;

/** Runs that only wait: what they take of their owner's memory, how late those end that are due together, what they are to the next owner. */
export async function restingRuns(pgUrl: string, { isSmoke }: BenchOptions): Promise<Measurement[]> {
  await ensureTestRoles(pgUrl);
  await using database = await TestDatabase.create('execution', pgUrl);
  await database.migrate(await loadMigrations(fileURLToPath(new URL('dist/migrations', execution))));
  await using bus = await TestBus.start();
  const bed = new RestingBed(bus, database, await bus.as('api-gateway'));
  try {
    return await measure(bed, isSmoke);
  } finally {
    await bed.kill();
  }
}

async function measure(bed: RestingBed, isSmoke: boolean): Promise<Measurement[]> {
  const sleepers = isSmoke ? 200 : 20_000;
  const due = 1_000;
  const row = (what: string, unit: string, value: number, goal?: number): Measurement =>
    measured({ bench: 'execution', what, unit }, [value], goal === undefined ? {} : { goal });
  await bed.start(sleepers, '1d'); // what grows once, whatever is done, has grown
  await bed.untilResting(sleepers);
  const before = await bed.heapBytes();
  await bed.start(sleepers, '1d');
  await bed.untilResting(2 * sleepers);
  const pss = await bed.pssBytes();
  const kept = Math.max(0, (await bed.heapBytes()) - before);
  const rows = [
    // Of a few runs, what else grows is more than they are: shown, not judged.
    row('a sleeping run, heap of its owner once garbage is collected', 'B', kept / sleepers, isSmoke ? undefined : 200),
    row('owner of sleeping runs, PSS', 'MiB', pss / 2 ** 20),
  ];
  if (isSmoke) return rows; // the rest takes as long as runs rest at least, and a lease
  const at = (await bed.clock()) + napMs;
  await bed.start(due, { until: new Date(at).toISOString() });
  await bed.untilResting(2 * sleepers + due);
  await bed.untilEnded(due); // seen in the rows, thus up to a look later than it is
  rows.push(row('1,000 sleeping runs due at once, until all ends are committed', 'ms', (await bed.clock()) - at));
  await bed.kill();
  const killed = performance.now();
  await bed.start(1, '1d');
  rows.push(row('owner of sleeping runs killed, until the next answers a start', 'ms', performance.now() - killed));
  return rows;
}

/** `execution` as a process of its own, looked at from outside. */
class RestingBed {
  private owner: ChildProcess | undefined;
  /** Where the owner's inspector listens. */
  private inspector = Promise.resolve('');

  constructor(
    private readonly bus: TestBus,
    private readonly database: TestDatabase,
    private readonly gateway: Bus,
  ) {}

  /** Starts runs that wait, and an owner for them where none is. */
  async start(runs: number, wait: string | object): Promise<void> {
    if (this.owner === undefined) this.spawn();
    const name = 'sleep';
    const manifest = { apiVersion: 'signalbox.dev/v1', kind: 'Workflow', metadata: { name }, spec: { steps: { nap: { wait } } } };
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

  private spawn(): void {
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
