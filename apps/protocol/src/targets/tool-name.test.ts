import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { functionNameOf, splitTool } from './tool-name.ts';

test('a tool is split at its first slash: tools may have slashes in their names', () => {
  expect(splitTool('files/a/b')).toEqual({ server: 'files', name: 'a/b' });
});

test('every name is one that models take, and names that differ stay different', () => {
  const name = fc.string({ minLength: 1, maxLength: 128 });
  fc.assert(
    fc.property(name, name, (a, b) => {
      const [first, second] = [functionNameOf('srv', a), functionNameOf('srv', b)];
      expect(first).toMatch(/^[\w-]{1,64}$/);
      expect(first === second).toBe(a === b);
    }),
  );
  expect(functionNameOf('files', 'read_text_file')).toBe('files__read_text_file');
  expect(functionNameOf('files', 'x'.repeat(100))).toHaveLength(64);
});
