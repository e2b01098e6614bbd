import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../stack-under-test.ts';

/** Longer than the other suite takes, tried twice. */
export const quietMaxMs = 900_000;

/** Where CI, which has both suites go on beside each other, and they themselves say how far they are. */
const folder = process.env['SIGNALBOX_SUITES'];

/**
 * Waits until the other suite rests, so that times are measured on a machine that does nothing else: attacks are timed when the faults have come to what is
 * timed in them, and that when the attacks are over.
 */
export async function untilQuiet(suite: 'security' | 'faults'): Promise<void> {
  if (folder === undefined) return;
  if (suite === 'faults') writeFileSync(join(folder, 'faults-rest'), '');
  const sign = join(folder, suite === 'faults' ? 'security-is-over' : 'faults-rest');
  await until('the other suite rests', async () => existsSync(sign), quietMaxMs);
}
