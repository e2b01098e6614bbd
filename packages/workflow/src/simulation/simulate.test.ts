import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { faultMixes, rough } from './fault-mixes.ts';
import { simulate } from './simulate.ts';

/** Of each mix of faults. */
const count = 250;
/** By the program of `npm run sim`, which plays a hundred times as many. */
const schedules = 10_000;

test.each(faultMixes)(
  'every run ends and each step is recorded once when %s',
  (_, faults) => {
    let recorded = 0;
    let crashes = 0;
    let answered = 0;
    let rests = 0;
    let upgraded = 0;
    let setAside = 0;
    let admitted = 0;
    let doneAgain = 0;
    let degraded = 0;
    let kept = 0;
    for (let seed = 1; seed <= count; seed++) {
      const result = simulate({ seed, faults });
      recorded += result.recorded;
      crashes += result.crashes;
      answered += result.answered;
      rests += result.rests;
      upgraded += result.upgraded;
      setAside += result.setAside;
      admitted += result.admitted;
      doneAgain += result.doneAgain;
      degraded += result.degraded;
      kept += result.kept;
    }
    expect(recorded).toBeGreaterThan(count);
    expect(answered).toBeGreaterThan(count / 10);
    expect(upgraded).toBeGreaterThan(count / 10);
    expect(rests).toBeGreaterThan(count / 4);
    expect(admitted).toBeGreaterThan(count / 10);
    expect(doneAgain).toBeGreaterThan(count / 10);
    expect(degraded).toBeGreaterThan(count / 25);
    expect(kept).toBeGreaterThan(count / 4);
    if (faults.crash > 0) {
      expect(crashes).toBeGreaterThan(count / 4);
      expect(setAside).toBeGreaterThan(count / 100);
    }
  },
  120_000,
);

test('the same seed plays the same schedule', () => {
  const schedule = { seed: 7, faults: rough };
  expect(JSON.stringify(simulate(schedule))).toBe(JSON.stringify(simulate(schedule)));
});

test('F14, F15: ten thousand schedules on all processors, with messages lost, late and doubled: none fails', async () => {
  const program = new URL('../../dist/simulation/main.js', import.meta.url).href;
  const call = `const { main } = await import('${program}'); process.exitCode = await main('', ['--schedules', '${schedules}'])`;
  const { NODE_V8_COVERAGE: _, ...env } = process.env; // what is covered is seen above, and it is slow
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', call], { env });
  expect(JSON.parse(stdout)).toMatchObject({ schedules, failed: 0 });
}, 300_000);
