import { expect, test } from '@jest/globals';
import { faultMixes, rough } from './fault-mixes.ts';
import { simulate } from './simulate.ts';

/** Of each mix of faults; `npm run sim` plays a hundred times as many. */
const count = 2_500;

test.each(faultMixes)(
  'every run ends and each step is recorded once when %s',
  (_, faults) => {
    let recorded = 0;
    let crashes = 0;
    for (let seed = 1; seed <= count; seed++) {
      const result = simulate({ seed, faults });
      recorded += result.recorded;
      crashes += result.crashes;
    }
    expect(recorded).toBeGreaterThan(count);
    if (faults.crash > 0) expect(crashes).toBeGreaterThan(count / 4);
  },
  120_000,
);

test('the same seed plays the same schedule', () => {
  const schedule = { seed: 7, faults: rough };
  expect(JSON.stringify(simulate(schedule))).toBe(JSON.stringify(simulate(schedule)));
});
