import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { testCase } from '../cases/case.ts';
import { until, type StackUnderTest } from '../stack-under-test.ts';
import { expectVerified } from './left-behind.ts';
import type { Load } from './load.ts';
import { asSuperuser, unpublished } from './servers.ts';

const progressMaxMs = 5_000;

/** F04, F06 and F07: the launcher's own servers are killed under load, and started again by it. */
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
        await load.begin();
        await sleep(300);
        const at = Date.now();
        await killAndWait(stack, name);
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

  testCase(
    'F07',
    'NATS loses its disk under load and starts again with nothing',
    async (happened) => {
      const [stack, load] = [stackOf(), loadOf()];
      const since = Date.now();
      await load.begin();
      const store = join(stack.data, 'nats', 'jetstream');
      await rename(store, `${store}.lost`);
      await killAndWait(stack, 'NATS');
      const at = Date.now();
      const progressMs = await load.progressAfter(at, 30_000);
      happened(`progress ${progressMs} ms after it was back; ${await load.end()} runs ended with the right output`);
      const { body } = await stack.rest('POST', '/api/v1/threads', { body: { title: 'made after it' } });
      const { id } = body as { id: string };
      await until('a change is heard again', async () => {
        const { data } = (await stack.rest('GET', `/api/v1/audit?q=${id}`)).body as { data: unknown[] };
        return data.length === 1;
      });
      happened(`changes are heard again after ${Date.now() - at} ms`);
      await until('the outboxes are empty', async () => (await unpublished(stack)) === 0, 15_000);
      const again = await asSuperuser(stack, async (client) => {
        const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM security.outbox WHERE published_at >= $1`, [
          new Date(at),
        ]);
        return rows[0]!.n;
      });
      happened(`${again} events of security were published again; outboxes empty; ${await expectVerified(stack, since)}`);
      expect(again).toBeGreaterThan(0);
      expect(progressMs).toBeLessThanOrEqual(progressMaxMs);
      await rm(`${store}.lost`, { recursive: true });
    },
    90_000,
  );
}

/** Kills a server; resolves once the launcher has started it again. */
async function killAndWait(stack: StackUnderTest, name: string): Promise<void> {
  const said = stack.output.length;
  await stack.kill(name);
  await until('the launcher has started it again', async () => stack.output.slice(said).includes(`${name} is back`));
}
