import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeCursor, decodePosition, encodeCursor, pageOf } from './page.ts';

test('a cursor gives back its position', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.integer()), { minLength: 1, maxLength: 4 }), (position) => {
      expect(decodeCursor(encodeCursor(position), position.length)).toEqual(position.map(String));
    }),
  );
});

test.each([
  '',
  'x',
  'bm90IGpzb24',
  encodeCursor(['one']),
  Buffer.from('{"a":1}').toString('base64url'),
  Buffer.from('[null,null]').toString('base64url'),
  encodeCursor(['a\0b', 1]),
])('what is no cursor of a list is refused: %j', (cursor) => {
  expect(() => decodeCursor(cursor, 2)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a position is one whole number that its column can take', () => {
  expect(['7', 7, -1].map((position) => decodePosition(encodeCursor([position])))).toEqual([7, 7, -1]);
  expect(decodePosition(encodeCursor([2 ** 40]), 2 ** 53)).toBe(2 ** 40);
  for (const position of ['x', '1.5', 2 ** 31, '1e300'])
    expect(() => decodePosition(encodeCursor([position]))).toThrow(expect.objectContaining({ code: 'invalid' }));
  expect(() => decodePosition(encodeCursor([1, 2]))).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a page has a next cursor only where more rows were read than it shows', () => {
  const page = (rows: number[]): unknown =>
    pageOf(
      rows,
      2,
      (row) => [row],
      (row) => `item ${row}`,
    );
  expect(page([1, 2, 3])).toEqual({ data: ['item 1', 'item 2'], nextCursor: encodeCursor([2]) });
  expect(page([1, 2])).toEqual({ data: ['item 1', 'item 2'], nextCursor: null });
  expect(page([])).toEqual({ data: [], nextCursor: null });
});
