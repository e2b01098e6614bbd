import { expect, test } from '@jest/globals';
import { firingLamp, formatInZone, rhythmText, specOf, stateLamp, type ScheduleDraft } from './schedules.ts';

const draft: ScheduleDraft = {
  ...{ name: 'nightly', description: '', workflow: 'report', kind: 'cron', cron: ' 30 2 * * * ', every: '15m' },
  ...{ timeZone: 'Europe/Berlin', overlap: 'skip', input: '' },
};

test('a form becomes a specification; what it does not show is kept, the other rhythm is not', () => {
  expect(specOf(draft)).toEqual({ spec: { workflow: 'report', cron: '30 2 * * *', timeZone: 'Europe/Berlin', overlap: 'skip' } });
  const kept = { workflow: 'old', cron: '@daily', timeZone: 'UTC', jitter: '1m', catchUp: { max: 3 }, input: { a: 1 } };
  expect(specOf({ ...draft, kind: 'every', timeZone: '', input: '{"b":2}' }, kept)).toEqual({
    spec: { workflow: 'report', every: '15m', overlap: 'skip', jitter: '1m', catchUp: { max: 3 }, input: { b: 2 } },
  });
  expect(specOf({ ...draft, input: '{' })).toEqual({ fault: expect.stringMatching(/not JSON/) as unknown });
});

test('times are said in the zone that is asked for, to the minute', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  expect(formatInZone('2026-03-29T01:00:00Z', 'Europe/Berlin', now)).toMatch(/^Sun,? 29 Mar, 03:00$/);
  expect(formatInZone('2027-03-29T01:00:00Z', 'America/New_York', now)).toMatch(/^Sun,? 28 Mar 2027, 21:00$/);
});

test('lamps say whether it is on and how the last run stands', () => {
  const firing = { key: '', time: '', until: null, reason: null, run: 'run_1', at: '' };
  expect(stateLamp('paused')).toMatchObject({ word: 'Paused', shape: 'bars' });
  expect(firingLamp({ ...firing, outcome: 'started', runStatus: 'failed' }).word).toBe('Failed');
  expect(firingLamp({ ...firing, outcome: 'started', runStatus: null }).word).toBe('Started');
  expect(firingLamp({ ...firing, outcome: 'skipped', run: null, runStatus: null }).word).toBe('Skipped');
  expect(rhythmText({ cron: null, every: '15m' })).toBe('every 15m');
});
