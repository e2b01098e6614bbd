import { expect, test } from '@jest/globals';
import { simulate } from './simulate.ts';

const calm = { crash: 0, zombie: 0, loss: 0, double: 0, failure: 0, death: 0 };
const rough = { crash: 0.02, zombie: 0.4, loss: 0.1, double: 0.1, failure: 0.15, death: 0.05 };
const crashing = { ...calm, crash: 0.08, zombie: 0.5 };
const noisy = { ...calm, loss: 0.3, double: 0.3 };

/** `SIMULATION_SEED` plays one schedule again, `SIMULATION_SCHEDULES` sets how many. */
const first = Number(process.env['SIMULATION_SEED'] ?? 1);
const count = process.env['SIMULATION_SEED'] === undefined ? Number(process.env['SIMULATION_SCHEDULES'] ?? 300) : 1;

test.each([
  ['nothing goes wrong', calm],
  ['owners die and are stopped at any moment', crashing],
  ['messages are lost, late and doubled', noisy],
  ['everything goes wrong at once', rough],
])('every run ends and each step is recorded once when %s', (_, faults) => {
  let recorded = 0;
  let crashes = 0;
  let answered = 0;
  for (let seed = first; seed < first + count; seed++) {
    const result = simulate(seed, faults);
    recorded += result.recorded;
    crashes += result.crashes;
    answered += result.answered;
  }
  if (count > 1) expect(recorded).toBeGreaterThan(count);
  if (count > 1) expect(answered).toBeGreaterThan(count / 10);
  if (count > 1 && faults.crash > 0) expect(crashes).toBeGreaterThan(count / 4);
});

test('the same seed plays the same schedule', () => {
  expect(JSON.stringify(simulate(7, rough))).toBe(JSON.stringify(simulate(7, rough)));
});
