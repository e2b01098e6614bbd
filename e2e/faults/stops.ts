import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { RunDetail } from '@signalbox/sdk/client/runs.js';
import { testCase } from '../cases/case.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { expectNothingLeft, expectVerified, holdings } from './left-behind.ts';
import type { Load } from './load.ts';

const readyMaxMs = 15_000;
const drainMaxMs = 10_000;

/** F03 and F39. The stack has the example; afterwards it does not run. */
export function stopCases(stackOf: () => StackUnderTest, loadOf: () => Load): void {
  testCase(
    'F03',
    'launcher, services, PostgreSQL and NATS are killed at once in the middle of a report',
    async (happened) => {
      const stack = stackOf();
      const since = Date.now();
      const client = await stack.client();
      const reportOf = async (run: RunDetail): Promise<string> => {
        expect(run).toMatchObject({ status: 'succeeded' });
        const [artifact] = await Array.fromAsync(client.artifacts.list({ run: run.id }));
        return client.artifacts.text(artifact!.id);
      };
      const expected = await reportOf(await client.runs.result((await client.workflows.start('repository-report')).id));
      const { id } = await client.workflows.start('repository-report');
      await until('the run is in its middle', async () => {
        const { done, running } = (await client.runs.get(id)).progress;
        return done >= 4 && running > 0;
      });
      const { pids } = await holdings(stack);
      await stack.killAll();
      const readyMs = await stack.start('--no-example');
      happened(`ready ${Math.round(readyMs)} ms after the new start`);
      const run = await client.runs.result(id, { signal: AbortSignal.timeout(60_000) });
      expect(await reportOf(run)).toBe(expected);
      happened(`the run went on from where it was and wrote the same report (${expected.length} characters)`);
      happened(await expectVerified(stack, since));
      expect(pids.length).toBeGreaterThan(9);
      expect(readyMs).toBeLessThanOrEqual(readyMaxMs);
    },
    150_000,
  );

  testCase(
    'F39',
    'SIGTERM under load, a new start, and Ctrl-C under load',
    async (happened) => {
      const [stack, load] = [stackOf(), loadOf()];
      const since = Date.now();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        await load.begin();
        await sleep(1_000);
        const held = await holdings(stack);
        const from = performance.now();
        const code = await stack.stop(signal);
        const tookMs = Math.round(performance.now() - from);
        happened(`${signal}: ended with ${code} after ${tookMs} ms under load; none of ${held.pids.length} processes left`);
        expect(code).toBe(0);
        await expectNothingLeft(stack, held);
        expect(tookMs).toBeLessThanOrEqual(drainMaxMs);
        await stack.start('--no-example');
        const runs = await load.end();
        happened(`after the next start all ${runs} runs have ended with the right output`);
      }
      happened(await expectVerified(stack, since));
      const held = await holdings(stack);
      expect(await stack.stop()).toBe(0);
      await expectNothingLeft(stack, held);
    },
    150_000,
  );
}
