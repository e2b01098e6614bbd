import { expect, test } from '@jest/globals';
import { incidentLampOf, severityWord, stageWord } from './incidents.ts';

test('an incident that nobody looks after stands out, and each state has a lamp of its own', () => {
  const lamps = (['open', 'acknowledged', 'resolved'] as const).map(incidentLampOf);
  expect(lamps.map(({ word }) => word)).toEqual(['Open', 'Acknowledged', 'Resolved']);
  expect(lamps[0]?.tone).toBe('stop');
  expect(new Set(lamps.map(({ shape }) => shape)).size).toBe(3);
});

test('stages and severities are words that people read', () => {
  expect([stageWord('given-up'), stageWord('redistributed'), severityWord('critical')]).toEqual(['Given up', 'Redistributed', 'Critical']);
});
