import { expect } from '@jest/globals';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import type { ServiceUnderTest } from '@signalbox/testkit/start-service.js';

/** Every result of the run is recorded once, and no number of its journal is left out. Returns how many results there are. */
export async function expectExact(service: ServiceUnderTest, run: string): Promise<number> {
  const rows = await service.database.sql<{ seq: number; count: number; body: Buffer }>(
    `SELECT seq, count, body FROM journal WHERE run_id = '${toUuid(run, 'run')}' ORDER BY seq`,
  );
  let next = 0;
  const succeeded: string[] = [];
  for (const { seq, count, body } of rows) {
    expect(seq).toBe(next);
    next += count;
    for (const transition of JSON.parse(body.toString()) as { t: string; s: number; i: number }[]) {
      if (transition.t === 'succeeded') succeeded.push(`${transition.s}.${transition.i}`);
    }
  }
  expect(new Set(succeeded).size).toBe(succeeded.length);
  return succeeded.length;
}
