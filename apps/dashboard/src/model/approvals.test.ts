import { expect, test } from '@jest/globals';
import { answerersText, approvalLampOf, approvalViews, deadlineText, endText, leftText } from './approvals.ts';

const now = Date.parse('2026-11-24T12:00:00Z');

test('an open approval waits, and each end has its own lamp', () => {
  const lamps = (['open', 'approved', 'rejected', 'expired', 'withdrawn'] as const).map(approvalLampOf);
  expect(lamps.map(({ shape, word }) => `${shape} ${word}`)).toEqual([
    'bars Open',
    'tick Approved',
    'cross Rejected',
    'cross Expired',
    'lines Withdrawn',
  ]);
});

test.each([
  [null, 'administrators and operators'],
  [{ roles: ['admin'], principals: [] }, 'admins'],
  [{ roles: ['admin'], principals: ['ann', 'bob'] }, 'admins, ann or bob'],
])('who may answer is said in words', (by, text) => {
  expect(answerersText(by)).toBe(text);
});

test('what is left of its time counts down, and says when it is over', () => {
  expect(leftText({ status: 'open', deadline: '2026-11-24T14:05:00Z' }, now)).toBe('2 h 5 min left');
  expect(leftText({ status: 'open', deadline: '2026-11-24T12:00:09.900Z' }, now)).toBe('9 s left');
  expect(leftText({ status: 'open', deadline: '2026-11-24T12:00:00Z' }, now)).toBe('its time is up');
  expect(leftText({ status: 'open', deadline: null }, now)).toBeNull();
  expect(leftText({ status: 'approved', deadline: '2026-11-24T14:05:00Z' }, now)).toBeNull();
  expect((['fail', 'approve', 'reject'] as const).map(deadlineText)).toEqual([
    'then the step fails',
    'then it counts as approved',
    'then it counts as rejected',
  ]);
});

test('how it ended is said with who answered', () => {
  const ann = { id: 'user_1', name: 'ann' };
  expect(endText({ status: 'open', answeredBy: null })).toBeNull();
  expect(endText({ status: 'approved', answeredBy: ann })).toBe('Approved by ann');
  expect(endText({ status: 'rejected', answeredBy: null })).toBe('Rejected by its deadline');
  expect(endText({ status: 'expired', answeredBy: null })).toBe('Nobody answered before its deadline');
  expect(endText({ status: 'withdrawn', answeredBy: null })).toBe('Its run ended before it was answered');
});

test('each status stands in one view beside that of all', () => {
  expect(approvalViews.flatMap(({ statuses }) => statuses).sort()).toEqual(['approved', 'expired', 'open', 'rejected', 'withdrawn']);
});
