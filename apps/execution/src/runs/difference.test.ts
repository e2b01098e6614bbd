import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '@signalbox/workflow/core/json.js';
import { differencesOf } from './difference.ts';

test('a value differs from itself nowhere, and from another somewhere', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (left, right) => {
      const [a, b] = [JSON.parse(JSON.stringify(left)) as Json, JSON.parse(JSON.stringify(right)) as Json];
      expect(differencesOf(a, structuredClone(a))).toEqual([]);
      expect(differencesOf(a, b).length > 0).toBe(!isDeepStrictEqual(a, b));
    }),
  );
});

test('differences have pointers, and are as many as are of use', () => {
  expect(differencesOf({ a: { 'x/y~': 1, same: 2 }, list: [1, 2] }, { a: { 'x/y~': 3, same: 2 }, list: [1], more: null })).toEqual([
    { pointer: '/a/x~1y~0', a: 1, b: 3 },
    { pointer: '/list/1', a: 2 },
    { pointer: '/more', b: null },
  ]);
  expect(differencesOf(undefined, 1)).toEqual([{ pointer: '', b: 1 }]);
  expect(differencesOf({ a: 1 }, [1])).toEqual([{ pointer: '', a: { a: 1 }, b: [1] }]);
  const many = (from: number): Json => Array.from({ length: 100 }, (_, number) => from + number);
  expect(differencesOf(many(0), many(1))).toHaveLength(20);
  expect(differencesOf('x'.repeat(9_000), 'y')[0]?.a).toMatchObject({ truncated: true });
});
