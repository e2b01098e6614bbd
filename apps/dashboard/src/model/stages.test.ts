import { expect, test } from '@jest/globals';
import { figure, holderOf, metricLamp, stageLamp, stageName } from './stages.ts';

test('a metric has a lamp and a word for how it stands', () => {
  const word = (standing: string): string => `${metricLamp({ standing }).shape} ${metricLamp({ standing }).word}`;
  expect(['met', 'short', 'missing', 'expired', 'no-baseline', 'else'].map(word)).toEqual([
    'tick Met',
    'cross Short',
    'bars No evidence',
    'bars Expired',
    'bars Not comparable',
    'lines else',
  ]);
  expect(metricLamp({ standing: 'short', shortBy: 0.05 }).word).toBe('Short by 0.05');
});

test('a stage says whether the version is there, may get there, or how much is missing', () => {
  const check = { stage: 'staging' as const, held: false, allowed: false, gates: [], blockers: [{ because: 'a', next: 'b' }] };
  expect(stageLamp(check).word).toBe('1 thing missing');
  expect(stageLamp({ ...check, allowed: true, blockers: [] }).word).toBe('May get there');
  expect(stageLamp({ ...check, held: true }).word).toBe('Is there');
  expect(stageName('full-access')).toBe('Full access');
  expect(holderOf('staging', [])).toBeNull();
  expect(figure(0.1 + 0.2)).toBe('0.3');
});
