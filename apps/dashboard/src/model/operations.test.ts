import { expect, test } from '@jest/globals';
import { someEnded } from './operations.ts';

const going = { id: 'a', status: 'running' } as const;
const over = { id: 'a', status: 'done' } as const;

test('an operation that has ended is noticed once, also when it was never seen going', () => {
  expect(someEnded([], [])).toBe(false);
  expect(someEnded([], [going])).toBe(false);
  expect(someEnded([going], [over])).toBe(true);
  expect(someEnded([], [over])).toBe(true);
  expect(someEnded([over], [over])).toBe(false);
  expect(
    someEnded(
      [going],
      [
        { id: 'b', status: 'running' },
        { ...over, status: 'cancelled' },
      ],
    ),
  ).toBe(true);
});
