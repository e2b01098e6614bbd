import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SignalboxClient } from '@signalbox/sdk/client/client.js';
import { hasEnded, type RunDetail } from '@signalbox/sdk/client/runs.js';
import { worker, type Worker } from '@signalbox/sdk/worker/worker.js';
import { insist, until, type StackUnderTest } from '../stack-under-test.ts';

/** Runs under way at once: work is always being begun, done and recorded, and two processors are not full. */
const aliveMax = 4;
/** Runs that are looked at after a kill. */
const latestMax = 24;
const taskMs = 120;
const items = 6;

/** As an author would write it who expects services to be killed. */
const retry = { attempts: 12, backoff: { initialMs: 100, factor: 1.5, maxMs: 1_000 } };

/** Six items, three at a time, then an artifact of what they gave, then one more task. */
const steps = {
  count: { forEach: '${{ input.list }}', maxParallel: 3, agent: 'counter', with: '${{ item }}', retry },
  keep: { artifact: { name: 'counted.json', content: '${{ steps.count.output }}' }, retry },
  last: { agent: 'counter', needs: ['keep'], with: '${{ size(steps.count.output) }}', retry },
};

/** Work that goes on while things break: runs by workers of ours, each begun when another has ended. */
export class Load implements AsyncDisposable {
  /** Runs that the gateway has acknowledged since `begin`. */
  runs: string[] = [];
  private readonly worker: Worker;
  private readonly working: Promise<void>;
  private starting: Promise<void>[] = [];
  private isEnding = false;

  private constructor(
    readonly client: SignalboxClient,
    url: string,
    apiKey: string,
  ) {
    this.worker = worker({
      agent: 'counter',
      url,
      apiKey,
      concurrency: 16,
      reconnect: { firstMs: 100, maxMs: 500 },
      log: () => undefined,
      skills: { count: { run: (input: unknown) => sleep(taskMs, input) } },
    });
    this.working = this.worker.run();
    this.working.catch(() => undefined); // told by `[Symbol.asyncDispose]`
  }

  /** Sets up agent, worker and workflow; nothing runs yet. */
  static async on(stack: Pick<StackUnderTest, 'client' | 'url' | 'adminKey'>): Promise<Load> {
    const client = await stack.client();
    await client.agents.apply({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Agent',
      metadata: { name: 'counter' },
      spec: { kind: 'worker', skills: [{ name: 'count', description: 'Gives back what it gets.' }] },
    } as never);
    await client.workflows.apply({
      apiVersion: 'signalbox.dev/v1',
      kind: 'Workflow',
      metadata: { name: 'load' },
      spec: { steps, outputs: '${{ steps.last.output }}' },
    } as never);
    return new Load(client, stack.url, await stack.adminKey());
  }

  /** From now on runs go on, until `end`; resolves once so many have begun. */
  async begin(least = 3): Promise<void> {
    this.isEnding = false;
    this.runs = [];
    this.starting = Array.from({ length: aliveMax }, () => this.startAgainAndAgain());
    await until('runs go on', async () => this.runs.length >= least);
  }

  private async startAgainAndAgain(): Promise<void> {
    while (!this.isEnding) {
      const idempotencyKey = randomUUID();
      const id = await insist(async () => {
        const input = { list: Array.from({ length: items }, (_, item) => item) };
        return (await this.client.workflows.start('load', { input }, { idempotencyKey })).id;
      });
      this.runs.push(id);
      while (!this.isEnding && !hasEnded((await insist(() => this.client.runs.get(id))).status)) await sleep(200);
    }
  }

  /** Starts no more and waits until each run has ended. All of them must have succeeded, with the one right output. */
  async end(withinMs = 60_000): Promise<number> {
    this.isEnding = true;
    await Promise.all(this.starting);
    const end = performance.now() + withinMs;
    for (const id of this.runs) {
      let run: RunDetail;
      while (!hasEnded((run = await insist(() => this.client.runs.get(id))).status)) {
        if (performance.now() > end) throw new Error(`${id} has not ended within ${withinMs} ms: ${JSON.stringify(run.progress)}`);
        await sleep(100);
      }
      if (run.status !== 'succeeded' || run.output !== items)
        throw new Error(`${id} ended as ${run.status} with ${JSON.stringify(run.output)}: ${JSON.stringify(run.error)}`);
    }
    return this.runs.length;
  }

  /**
   * Waits for the first thing recorded of a run after `at` (epoch milliseconds, this machine's clock is the database's too); resolves with how
   * long after it was recorded, in milliseconds. Whoever was killed at `at` did not record it.
   */
  async progressAfter(at: number, withinMs: number): Promise<number> {
    for (const end = Date.now() + withinMs; Date.now() < end; await sleep(50)) {
      // Also runs whose start was recorded and could not be acknowledged, and all that came until somebody answered.
      const latest = await this.client.runs
        .list({ workflow: 'load', limit: latestMax })
        .take(latestMax)
        .catch(() => []);
      const events = await Promise.all(
        latest.map(({ id }) => Array.fromAsync(this.client.runs.events(id, { limit: 200 })).catch(() => [])),
      );
      const after = events
        .flat()
        .flatMap(({ type, at: when }) => (type.startsWith('step.') && Date.parse(when) > at ? [Date.parse(when)] : []));
      if (after.length > 0) return Math.min(...after) - at;
    }
    throw new Error(`nothing was recorded within ${withinMs} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isEnding = true;
    await this.worker.stop();
    await this.working;
  }
}
