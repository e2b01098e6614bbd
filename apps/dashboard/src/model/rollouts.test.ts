import { expect, test } from '@jest/globals';
import { checkLamp, isOpen, mirrorText, stepLamp, stepText } from './rollouts.ts';

test('a step says what goes to the new version, and whether it is over', () => {
  expect(stepText({ share: 0.05, holdMs: 0 })).toBe('5 % of the calls');
  expect(stepText({ share: 0, labels: { tenant: 'beta' }, holdMs: 0 })).toBe('0 % of the calls and runs with tenant=beta');
  expect(stepText({ share: 0, mirror: 1, holdMs: 0 })).toBe('0 % of the calls, 100 % of the others mirrored');
  const words = (status: Parameters<typeof stepLamp>[0]['status']): string[] =>
    [0, 1, 2].map((at) => stepLamp({ status, step: 1 }, at).word);
  expect(words('progressing')).toEqual(['Done', 'Running', 'Pending']);
  expect(words('paused')).toEqual(['Done', 'Waiting', 'Pending']);
  expect(words('rolled-back')).toEqual(['Done', 'Failed', 'Pending']);
  expect(words('promoted')).toEqual(['Done', 'Done', 'Done']);
  expect([isOpen({ status: 'paused' }), isOpen({ status: 'superseded' })]).toEqual([true, false]);
});

test('a measure holds, does not, or is not known yet', () => {
  const words = (['met', 'failed', 'open'] as const).map((standing) => checkLamp({ standing }).word);
  expect(words).toEqual(['Holds', 'Does not', 'Not known yet']);
});

test('mirrored calls are told in a sentence', () => {
  const mirror = { pairs: 9, skipped: 1, totalUsd: 0.25, isSpent: false, stable: { version: 1 }, candidate: { version: 2 }, scores: [] };
  expect(mirrorText(mirror)).toBe('9 mirrored calls, 1 skipped. Together they cost 0.2500 USD.');
  expect(mirrorText({ ...mirror, equal: 0.5, isSpent: true })).toBe(
    '9 mirrored calls, 50 % answered the same, 1 skipped. Together they cost 0.2500 USD, as much as they may: no more are mirrored.',
  );
});
