import { expect, test } from '@jest/globals';
import type { InstanceShards } from '../instances/instance-shards.ts';
import { RolloutMeasures } from './rollout-measures.ts';

test('of a rollout counts what was heard since it began, by who has its shard all along', () => {
  let isOurs = true;
  const measures = new RolloutMeasures({ owns: () => isOurs } as Pick<InstanceShards, 'owns'> as InstanceShards);
  const hear = (): void =>
    measures.hear('w', [{ agent: 'a', version: 1, succeeded: 1, failed: 0, totalMs: 10, costUsd: 0, durations: [1] }]);
  const begun = new Date(Date.now() - 60_000);
  hear();
  // As one that begins after calls without any: it cannot be told which came since.
  expect(measures.take('w', 'a', 1, new Date(Date.now() + 60_000))).toBeUndefined();
  hear();
  hear();
  expect(measures.take('w', 'a', 1, begun)).toMatchObject({ succeeded: 2 });
  expect(measures.take('w', 'a', 1, begun)).toBeUndefined();
  hear();
  isOurs = false;
  hear();
  isOurs = true;
  hear();
  expect(measures.take('w', 'a', 1, begun)).toMatchObject({ succeeded: 1 });
});
