import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { startBareNats } from '../bare-nats.ts';
import type { EngineUnderBench, Runs } from './engine.ts';

interface Entry {
  run: string;
  seq: number;
  done: () => void;
}

/** One connection whose inserts gather while one is in flight. */
class BareLane {
  private queue: Entry[] = [];
  private isBusy = false;

  constructor(private readonly client: pg.Client) {}

  append(run: string, seq: number): Promise<void> {
    return new Promise((done) => {
      this.queue.push({ run, seq, done });
      if (!this.isBusy) queueMicrotask(() => this.isBusy || void this.flush());
    });
  }

  private async flush(): Promise<void> {
    this.isBusy = true;
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, 1_000);
      await this.client.query({
        name: 'append',
        text: 'INSERT INTO bare_journal SELECT * FROM unnest($1::uuid[], $2::int[], $3::bytea[])',
        values: [
          batch.map(({ run }) => run),
          batch.map(({ seq }) => seq),
          batch.map(({ seq }) => Buffer.from(JSON.stringify({ kind: 'completed', step: seq, output: seq }))),
        ],
      });
      for (const { done } of batch) done();
    }
    this.isBusy = false;
  }
}

/**
 * The least that any engine with workers does on PostgreSQL: one durable insert a transition, those of one moment in one statement, and one message
 * to another process and back for each step; inside, the inserts alone.
 */
export async function startWorkerFloor({ pgUrl }: { pgUrl: string }): Promise<EngineUnderBench> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-floor-'));
  const nats = await startBareNats(folder);
  const echo = fork(fileURLToPath(new URL('./bare-worker.js', import.meta.url)), [nats.url], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(echo, 'message');
  const connection = await connect({ servers: nats.url });
  const clients = [new pg.Client(pgUrl), new pg.Client(pgUrl)];
  for (const client of clients) await client.connect();
  await clients[0]?.query('CREATE TABLE IF NOT EXISTS bare_journal (run uuid, seq int, body bytea, PRIMARY KEY (run, seq))');
  const lanes = clients.map((client) => new BareLane(client));
  let turn = 0;
  const begin = (): { run: string; lane: BareLane } => ({ run: randomUUID(), lane: lanes[turn++ % lanes.length] as BareLane });
  const task = (run: string, step: number): Promise<unknown> =>
    connection.request('work', JSON.stringify({ id: `${run}:${step}:1`, run, step, attempt: 1, agent: 'echo', input: { n: step } }), {
      timeout: 60_000,
    });
  const runsOf = (work: (run: string, step: number) => Promise<unknown> | undefined): Runs => ({
    seq: async (steps) => {
      const { run, lane } = begin();
      await lane.append(run, 0);
      for (let step = 0; step < steps; step++) {
        await work(run, step);
        await lane.append(run, step + 1);
      }
    },
    fan: async (width) => {
      const { run, lane } = begin();
      await lane.append(run, 0);
      await Promise.all(
        Array.from({ length: width }, async (_, item) => {
          await work(run, item);
          await lane.append(run, item + 1);
        }),
      );
    },
  });
  return {
    ...runsOf(task),
    inside: runsOf(() => undefined),
    pids: [echo.pid as number],
    stop: async () => {
      await connection.close();
      echo.kill('SIGKILL');
      for (const client of clients) await client.end();
      await nats[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
