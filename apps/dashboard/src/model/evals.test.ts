import { expect, test } from '@jest/globals';
import { attemptLamp, comparisonText, divergedText, intervalText, lacksText, recordedRunOf } from './evals.ts';

const zero = { value: 0, low: 0, high: 0 };
const result = {
  ...{ score: zero, passRate: zero, attempts: 1, passed: 0, errors: 0, graders: [] },
  usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
};

test('figures of an eval are said with between which values they lie', () => {
  expect(intervalText({ value: 0.875, low: 0.7012, high: 0.953 })).toBe('87.5 %, 70.1 % to 95.3 %');
});

test('an attempt says what it lacks', () => {
  expect(attemptLamp({ outcome: 'error' })).toMatchObject({ tone: 'stop', word: 'Call failed' });
  expect(lacksText({ error: 'invalid: no', grades: [] })).toBe('invalid: no');
  const grades = [
    { grader: 'exact', score: 0, reason: '1 is not 2' },
    { grader: 'judge', score: 0.5 },
    { grader: 'schema', score: 1 },
  ];
  expect(lacksText({ grades })).toBe('exact: 1 is not 2; judge: 50 %');
});

test('of recorded runs it is said how many went another way, and which two to compare', () => {
  expect(attemptLamp({ outcome: 'diverged' })).toMatchObject({ tone: 'caution', word: 'Diverged' });
  expect(recordedRunOf('run_1 letters')).toBe('run_1');
  expect(divergedText({ ...result, diverged: 3 })).toBe('3 of 4 runs asked what was not recorded, and are not graded');
  expect(divergedText(result)).toBeNull();
});

test('a comparison says which is better, by how much and how sure that is', () => {
  const of = (verdict: 'better' | 'worse' | 'same'): string | null =>
    comparisonText({
      confidence: 0.95,
      result: {
        ...result,
        comparison: {
          eval: 'e',
          version: 2,
          stage: 'production',
          before: 0.5,
          change: { value: -0.25, low: -0.5, high: 0 },
          pValue: 0.031_25,
          verdict,
        },
      },
    });
  expect(of('worse')).toBe('Worse than version 2, which is at production: -25 points, -50 to 0 (95 % sure, p = 0.031)');
  expect(of('same')).toMatch(/^No sure difference to version 2/);
  expect(comparisonText({ confidence: 0.95, result: { ...result, note: 'nobody is there' } })).toBe('nobody is there');
  expect(comparisonText({ confidence: 0.95 })).toBeNull();
});
