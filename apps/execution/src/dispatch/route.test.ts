import { expect, test } from '@jest/globals';
import { formatTask } from '@signalbox/shared/contracts/execution/task-id.js';
import { newId } from '@signalbox/shared/ids/ids.js';
import fc from 'fast-check';
import { versionFor, type Routable } from './route.ts';

const candidate = { rollout: newId('rollout'), version: 2, share: 0.5, stickBy: 'call' };
const run = newId('run');

function task(key: string, labels?: Record<string, string>, of: string = run): Routable {
  return { id: formatTask({ run: of, step: 0, index: 0, attempt: 1 }), idempotencyKey: key, labels };
}

test('a call that the new version had it has with any larger share, and with none or all there is no choice', () => {
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (key, a, b) => {
      const at = (share: number): number => versionFor({ version: 1, candidate: { ...candidate, share } }, task(key));
      expect(at(Math.min(a, b))).toBeLessThanOrEqual(at(Math.max(a, b)));
      expect([at(0), at(1)]).toEqual([1, 2]);
    }),
  );
});

test('all calls of a run, or of runs with the same value of a label, go to one version', () => {
  const versionsOf = (stickBy: string, label: (index: number) => string): Set<number> =>
    new Set(
      Array.from({ length: 64 }, (_, index) =>
        versionFor({ version: 1, candidate: { ...candidate, stickBy } }, task(`key ${index}`, { tenant: label(index) })),
      ),
    );
  expect(versionsOf('run', String).size).toBe(1);
  expect(versionsOf('label:tenant', () => 'blue').size).toBe(1);
  expect(versionsOf('label:tenant', String).size).toBe(2);
  expect(versionsOf('label:absent', String).size).toBe(1);
  expect(versionsOf('call', () => 'blue').size).toBe(2);
});
