import { expect, test } from '@jest/globals';
import { gateNote, gatesSentence, thresholdText } from './gates.ts';

test('what a metric must be is said in words', () => {
  expect(thresholdText({ min: 0.95 })).toBe('at least 0.95');
  expect(thresholdText({ maxRise: 0.1, slack: 0.005 })).toBe('at most 10 % above the version there, a difference of 0.005 means nothing');
  const gate = { name: 'mine', description: '', labels: {}, stages: [], metrics: [], evidenceDays: 1, builtIn: false, version: 1 };
  expect(gateNote({ ...gate, agents: ['a', 'b'], replaces: 'performance', approvals: { count: 2, roles: ['admin'] } })).toBe(
    'in place of performance · a, b · evidence of the last 1 day · 2 approvals by admin',
  );
  expect(gateNote({ ...gate, builtIn: true, evidenceDays: 30 })).toBe('built in · all agents · evidence of the last 30 days');
});

test('one sentence says where a version is, and what the next stage lacks', () => {
  const check = { held: false, allowed: false, gates: [], blockers: [{ because: 'a', next: 'b' }] };
  const first = { ...check, stage: 'integration' as const };
  expect(gatesSentence('a', 3, [first])).toBe('a version 3 is at no stage; for integration, 1 thing lacks.');
  expect(
    gatesSentence('a', 3, [
      { ...first, held: true },
      { ...check, stage: 'full-access', allowed: true },
    ]),
  ).toBe('a version 3 is at integration; it may get to full access.');
  expect(gatesSentence('a', 3, [{ ...first, held: true }])).toBe('a version 3 is at integration.');
});
