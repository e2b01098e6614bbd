import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { deletedEntry, encodeValue, nextEntry, type StateEntry } from './state.ts';

const entry = fc.option(fc.record({ version: fc.integer({ min: 1, max: 1_000 }), value: fc.jsonValue(), isDeleted: fc.boolean() }), {
  nil: null,
});

test('a version rises by one with every change, whatever happened before', () => {
  fc.assert(
    fc.property(entry, fc.jsonValue(), (current, value) => {
      const written = nextEntry(current, value);
      expect(written.version).toBe((current?.version ?? 0) + 1);
      expect(deletedEntry(written)!.version).toBe(written.version + 1);
    }),
  );
});

test('of two writers who saw the same version, one gets a conflict', () => {
  fc.assert(
    fc.property(entry, (current) => {
      const seen = current && !current.isDeleted ? current.version : 0;
      const first = nextEntry(current, 1, seen);
      expect(() => nextEntry(first, 2, seen)).toThrow(expect.objectContaining({ code: 'conflict' }));
      expect(() => deletedEntry(first, seen)).toThrow(expect.objectContaining({ code: 'conflict' }));
    }),
  );
});

test('a deleted key can be made anew as if it had never been', () => {
  const deleted: StateEntry = { version: 7, value: null, isDeleted: true };
  expect(nextEntry(deleted, 'x', 0)).toEqual({ version: 8, value: 'x', isDeleted: false });
  expect(() => nextEntry(deleted, 'x', 7)).toThrow('does not exist');
  expect(deletedEntry(deleted)).toBeNull();
  expect(deletedEntry(null, 3)).toBeNull();
});

test('a value of 256 KiB is kept and a larger one is not', () => {
  expect(encodeValue('x'.repeat(256 * 1024 - 2))).toHaveLength(256 * 1024);
  expect(() => encodeValue('ä'.repeat(128 * 1024))).toThrow(expect.objectContaining({ code: 'invalid', status: 413 }));
  expect(encodeValue(undefined)).toBe('null');
});
