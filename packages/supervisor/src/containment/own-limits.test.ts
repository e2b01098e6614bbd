import { expect, test } from '@jest/globals';
import { atMostOwn, hardLimits } from './own-limits.ts';

const text = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max data size             unlimited            4294967296           bytes
Max open files            1024                 1048576              files
Max processes             95000                95001                processes
`;

test('hard limits are read, and what has none is absent', () => {
  expect(hardLimits(text)).toEqual(
    new Map([
      ['Max data size', 4_294_967_296],
      ['Max open files', 1_048_576],
      ['Max processes', 95_001],
    ]),
  );
});

test('a child gets no more than this process may have', () => {
  expect(atMostOwn('Max open files', 16)).toBe(16);
  expect(atMostOwn('Max open files', Number.MAX_SAFE_INTEGER)).toBeLessThan(Number.MAX_SAFE_INTEGER);
});
