import { expect, test } from '@jest/globals';
import type { MirrorPair, MirrorSide } from '@signalbox/shared/contracts/execution/mirrors-measured.js';
import fc from 'fast-check';
import { differenceOf, scoresOf, shownSide } from './mirror-pairs.ts';
import { mirrorValues, noMirrors, resultOf, withJudgement, withPairs, type JudgedPair } from './mirror-totals.ts';

const side = fc.record({
  tookMs: fc.integer({ min: 0, max: 600_000 }),
  costUsd: fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8),
  end: fc.constantFrom<Partial<MirrorSide>>(
    { output: 1 },
    { output: 2 },
    { output: 1, invalid: 'it must be object' },
    { error: 'timeout: late' },
  ),
});
const judged = fc
  .tuple(side, side, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([{ end: stableEnd, ...stable }, { end, ...candidate }, isEqual, score]): JudgedPair => ({
    pair: { task: 'run_1', isEqual, stable: { ...stable, ...stableEnd }, candidate: { ...candidate, ...end } },
    scores: { kind: [1, score] },
  }));
const of = { stable: 1, version: 2, budgetUsd: 1 };

test('pairs come to the same however they are heard, and every share lies between 0 and 1', () => {
  fc.assert(
    fc.property(fc.array(judged, { maxLength: 30 }), fc.array(judged, { maxLength: 30 }), fc.nat(5), (first, then, skipped) => {
      const inParts = withPairs(withPairs(noMirrors(), skipped, first), 1, then);
      expect(inParts).toEqual(withPairs(noMirrors(), skipped + 1, [...first, ...then]));
      const { equal = 0, pairs, candidate, scores } = resultOf(inParts, of, 'seed');
      expect(pairs).toBe(first.length + then.length);
      for (const share of [equal, candidate.errorRate ?? 0, candidate.valid ?? 0])
        expect(share === 0 || (share > 0 && share <= 1)).toBe(true);
      for (const { change } of scores) expect(change.low <= change.value && change.value <= change.high).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('of a thousand pairs the scores of the newest 200 count, and what grading cost counts for the budget', () => {
  const one = (score: number): JudgedPair => ({
    pair: { task: 'run_1', isEqual: true, stable: { tookMs: 100, costUsd: 0 }, candidate: { tookMs: 150, costUsd: 0 } },
    scores: { kind: [1, score] },
  });
  const totals = withPairs(noMirrors(), 0, [...Array.from({ length: 800 }, () => one(0)), ...Array.from({ length: 200 }, () => one(1))]);
  const after = withJudgement(totals, { judge: [0.5, 1] }, 1.5);
  const result = resultOf(after, of, 'seed');
  expect(result).toMatchObject({ pairs: 1_000, totalUsd: 1.5, isSpent: true, scores: [{ pairs: 200, candidate: 1 }, { grader: 'judge' }] });
  expect(mirrorValues(result).candidate).toMatchObject({
    'mirror.count': 1_000,
    'mirror.score.kind.changeLow': 0,
    'mirror.score.judge': 1,
  });
  expect(mirrorValues(result).stable).toEqual(expect.objectContaining({ 'mirror.score.judge': 0.5, 'mirror.errorRate': 0 }));
  expect(mirrorValues(resultOf(noMirrors(), of, 'seed')).candidate).toEqual({ 'mirror.count': 0, 'mirror.skipped': 0 });
});

const answered: MirrorSide = { tookMs: 1, costUsd: 0, output: { team: 'a' } };
const failed: MirrorSide = { tookMs: 1, costUsd: 0, error: 'internal: broke' };
const broken: MirrorSide = { ...answered, invalid: '/team must be number' };
const pair = (stable: MirrorSide, candidate: MirrorSide, isEqual = false): MirrorPair => ({
  task: 'run_1',
  isEqual,
  input: 1,
  stable,
  candidate,
});

test.each([
  [pair(answered, answered, true), null],
  [pair(answered, answered), 'the answers differ'],
  [pair(failed, failed), null],
  [pair(answered, failed), 'only the new version failed'],
  [pair(failed, answered), 'only the stable version failed'],
  [pair(answered, broken), 'the answer is not as promised: /team must be number'],
  [pair(broken, answered), 'only the new version answers as promised: /team must be number'],
  [pair(broken, broken, true), null],
])('in which way two answers differ is told in words: %#', (one, words) => {
  expect(differenceOf(one)).toBe(words);
});

test('graders judge both answers against the stable one; what failed scores nothing, and of what is too large nothing is said', () => {
  const graders = [
    { type: 'exact' as const, path: '/team' },
    { type: 'agent' as const, agent: 'judge' },
  ];
  expect(scoresOf(graders, pair(answered, { ...answered, output: { team: 'b' } }))).toEqual({ exact: [1, 0] });
  expect(scoresOf(graders, pair(answered, failed))).toEqual({ exact: [1, 0] });
  expect(scoresOf(graders, pair(failed, answered))).toEqual({ exact: [0, 0] });
  const { output: _, ...large } = answered;
  expect(scoresOf(graders, pair(answered, large))).toEqual({});
  expect(scoresOf(graders, pair(large, answered))).toEqual({});
  expect([shownSide(large), shownSide(failed), shownSide({ ...answered, output: 'x'.repeat(9_000) }).length]).toEqual([
    '(too large to be kept)',
    'internal: broke',
    2_000,
  ]);
});
