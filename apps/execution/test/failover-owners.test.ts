import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { LeasedTask } from '@signalbox/shared/contracts/execution/lease-tasks.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';
import { OwnerProcess, untilShared } from './owner-process.ts';
import { apply, ended, insist, start, startExecution, TestWorker } from './peers.ts';

let service: ServiceUnderTest;
let owners: OwnerProcess[];

beforeAll(async () => {
  service = await startExecution({ away: { kind: 'worker', skills: ['read'] }, there: { kind: 'worker', skills: ['read'], live: 1 } });
  await service.stop();
  owners = [new OwnerProcess(service), new OwnerProcess(service)];
  await untilShared(service, 2);
  const step = { agent: 'away', skill: 'read', with: '${{ input.n }}', failover: { skill: true, after: '1s' } };
  await insist(() => apply(service, 'moves', { a: step }, { outputs: '${{ steps.a.output }}' }));
}, 120_000);

afterAll(async () => {
  for (const owner of owners ?? []) owner.kill();
  await service?.[Symbol.asyncDispose]();
}, 60_000);

test('tasks leave a queue without workers, whichever replica keeps it, and each is done once', async () => {
  const done: LeasedTask[] = [];
  await using _ = new TestWorker(service, 'there', (task) => {
    done.push(task);
    return { output: task.input };
  });
  const runs = await Promise.all(Array.from({ length: 12 }, (__, n) => start(service, { workflow: 'moves', input: { n } })));
  for (const [n, { id }] of runs.entries()) {
    expect(await ended(service, id, 30_000)).toMatchObject({ status: 'succeeded', output: n, steps: [{ agent: 'there' }] });
  }
  expect(done.map(({ input }) => input).sort((a, b) => Number(a) - Number(b))).toEqual(runs.map((__, n) => n));
}, 60_000);
