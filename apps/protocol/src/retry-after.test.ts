import { expect, test } from '@jest/globals';
import { retryAfterMsOf } from './retry-after.ts';

test.each([
  [{ 'retry-after-ms': '1500' }, 1_500],
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:05 GMT' }, 4_000],
  [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
  [{ 'retry-after': 'soon' }, undefined],
  [{ 'retry-after': '' }, undefined],
  [{ 'retry-after': '-1' }, undefined],
  [{}, undefined],
])('%j is %s ms', (headers, expected) => {
  expect(retryAfterMsOf(new Headers(headers as Record<string, string>), 1_000)).toBe(expected);
});
