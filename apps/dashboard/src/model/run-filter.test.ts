import { expect, test } from '@jest/globals';
import { chipsOf, filterOf, sortOf, unfiltered, viewOf } from './run-filter.ts';

const now = Date.parse('2026-11-26T12:00:00Z');

test('the address says which runs are meant, and what it says wrongly is left out', () => {
  const search = new URLSearchParams(
    'status=failed,odd&q=x&label=a=b,bad&since=24h&cost=0.5&took=2&problem=open&error=timeout&sort=cost&page=2',
  );
  expect(filterOf(search, now)).toEqual({
    status: ['failed'],
    q: 'x',
    labels: ['a=b'],
    startedAfter: '2026-11-25T12:00:00.000Z',
    costMin: 0.5,
    durationMinMs: 2_000,
    problem: 'open',
    errorCode: 'timeout',
  });
  expect(filterOf(new URLSearchParams('cost=-1&took=x&since=ever&problem=odd'), now)).toEqual({});
  expect(sortOf(search)).toBe('cost');
  expect(sortOf(new URLSearchParams('sort=toString'))).toBe('newest');
  expect(chipsOf(search).map(({ text }) => text)).toEqual([
    'a=b and bad',
    'started in the last 24 hours',
    'error timeout',
    'nobody looked after',
    'cost at least $0.5',
    'took at least 2 s',
  ]);
  expect(unfiltered(search).toString()).toBe('sort=cost&page=2');
  expect(viewOf(new URLSearchParams('page=2&agent=x&sort=cost'))).toBe('agent=x&sort=cost');
});
