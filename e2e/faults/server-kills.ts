import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { testCase } from '../cases/case.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import type { Load } from './load.ts';
import { unpublished } from './servers.ts';

const progressMaxMs = 5_000;

/** F04 and F06: the launcher's own servers are killed under load, and started again by it. */
export function serverCases(stackOf: () => StackUnderTest, loadOf: () => Load): void {
  for (const [id, name] of [
    ['F04', 'PostgreSQL'],
    ['F06', 'NATS'],
  ] as const) {
    testCase(
      id,
      `${name} is killed under load and started again`,
      async (happened) => {
        const [stack, load] = [stackOf(), loadOf()];
        const since = Date.now();
        load.begin();
        await until('runs go on', async () => load.runs.length > 2);
        await sleep(300);
        const said = stack.output.length;
        const at = Date.now();
        await stack.kill(name);
        await until('the launcher has started it again', async () => stack.output.slice(said).includes(`${name} is back`));
        const backMs = Date.now() - at;
        const progressMs = await load.progressAfter(at + backMs, 30_000);
        happened(`back after ${backMs} ms, progress ${progressMs} ms later; ${await load.end()} runs ended with the right output`);
        await until('the outboxes are empty', async () => (await unpublished(stack)) === 0, 15_000);
        happened(`outboxes empty; ${await expectVerified(stack, since)}`);
        expect(progressMs).toBeLessThanOrEqual(progressMaxMs);
      },
      90_000,
    );
  }
}
