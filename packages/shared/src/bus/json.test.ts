import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonMaxDepth, parseJson } from './json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('whatever JSON can say comes back as it was', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      fc.pre(!text.includes('__proto__'));
      expect(parseJson(bytes(text), 1_000_000)).toEqual(JSON.parse(text));
    }),
  );
});

test('brackets inside strings do not count as depth', () => {
  const text = JSON.stringify({ text: '[{"'.repeat(500) });
  expect(parseJson(bytes(text), 10_000)).toEqual(JSON.parse(text));
});

test('the depth that is allowed is parsed, one more is refused', () => {
  const nested = (depth: number): Uint8Array => bytes('['.repeat(depth) + ']'.repeat(depth));
  expect(() => parseJson(nested(jsonMaxDepth), 1_000)).not.toThrow();
  expect(() => parseJson(nested(jsonMaxDepth + 1), 1_000)).toThrow(/nested/);
});

test('the members that are allowed are parsed, one more is refused; colons in strings are none', () => {
  const object = (members: number): Uint8Array => bytes(`{${Array.from({ length: members }, (_, index) => `"a:${index}":{}`).join()}}`);
  expect(parseJson(object(3), 1_000, 3)).toEqual({ 'a:0': {}, 'a:1': {}, 'a:2': {} });
  expect(() => parseJson(object(4), 1_000, 3)).toThrow(/more than 3 members/);
});

test('an empty message is an empty object', () => {
  expect(parseJson(bytes(''), 10)).toEqual({});
});

test('too many bytes are refused with 413', () => {
  expect(() => parseJson(bytes('{"a":1}'), 3)).toThrow(expect.objectContaining({ status: 413 }));
});

test.each(['{"a":', 'nothing', '\u0000'])('what is not JSON is refused: %j', (text) => {
  expect(() => parseJson(bytes(text), 100)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('bytes that are not UTF-8 are refused', () => {
  expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 100)).toThrow(expect.objectContaining({ code: 'invalid' }));
});

test('a prototype is refused with its place, its mention in a text is not', () => {
  expect(() => parseJson(bytes('{"a":[{"__proto__":{}}]}'), 100)).toThrow(
    expect.objectContaining({ errors: [{ pointer: '/a/0/__proto__', detail: 'is not allowed' }] }),
  );
  expect(parseJson(bytes('{"a":"__proto__"}'), 100)).toEqual({ a: '__proto__' });
});
