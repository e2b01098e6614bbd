import { expect, test } from '@jest/globals';
import { compileSchema, SchemaProblem } from './schema-check.ts';

test('values are checked by 2020-12, and by draft-07 where a schema says so', () => {
  const modern = compileSchema({ type: 'array', prefixItems: [{ type: 'number' }], items: false });
  expect(modern([1])).toEqual([]);
  expect(modern([1, 2])).toHaveLength(1);
  const old = compileSchema({
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'array',
    items: [{ type: 'number' }],
    additionalItems: false,
  });
  expect(old([1])).toEqual([]);
  expect(old([1, 2])).toHaveLength(1);
});

test('what is wrong is told by its place', () => {
  const check = compileSchema({
    type: 'object',
    properties: { format: { enum: ['a', 'b'] }, when: { type: 'string', format: 'date' } },
    required: ['format'],
    additionalProperties: false,
  });
  expect(check({})).toEqual([{ pointer: '/format', detail: 'is missing' }]);
  expect(check({ format: 'c' })).toEqual([{ pointer: '/format', detail: 'must be one of ["a","b"]' }]);
  expect(check({ format: 'a', more: 1 })).toEqual([{ pointer: '/more', detail: 'is not a known field' }]);
  expect(check({ format: 'a', when: 'never' })).toEqual([{ pointer: '/when', detail: 'must match format "date"' }]);
  expect(compileSchema({ unevaluatedProperties: false })({ a: 1 })).toEqual([{ pointer: '/a', detail: 'is not a known field' }]);
});

test.each([
  ['a remote reference', { $ref: 'https://example.com/s.json' }, 'it refers to https://example.com/s.json'],
  ['a missing reference', { $ref: '#/$defs/none' }, "can't resolve reference"],
  ['a keyword of the wrong type', { type: 'sometimes' }, 'type must be'],
])('A23 %s is a problem and fetches nothing', (_, schema, sentence) => {
  expect(() => compileSchema(schema)).toThrow(SchemaProblem);
  expect(() => compileSchema(schema)).toThrow(sentence);
});

test('A23 schemas that are too deep or too large are refused', () => {
  let deep: Record<string, unknown> = {};
  for (let level = 0; level < 100; level++) deep = { properties: { a: deep } };
  expect(() => compileSchema(deep)).toThrow('nested deeper than 64 levels');
  const wide = { properties: Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`p${index}`, true])) };
  expect(() => compileSchema(wide)).toThrow('more than 10000 parts');
});

test('A23 a schema that refers to itself checks values of any depth, up to a limit', () => {
  const check = compileSchema({ type: 'object', properties: { next: { $ref: '#' } } });
  expect(check({ next: { next: {} } })).toEqual([]);
  let endless: Record<string, unknown> = {};
  for (let level = 0; level < 100_000; level++) endless = { next: endless };
  expect(check(endless)).toEqual([{ pointer: '', detail: 'is nested too deeply for its schema' }]);
});

test('each field is held against a pattern of its own', () => {
  const check = compileSchema({ properties: { a: { type: 'string', pattern: '^a' }, b: { type: 'string', pattern: '^b' } } });
  expect(check({ a: 'a', b: 'b' })).toEqual([]);
  expect(check({ a: 'a', b: 'a' })).toMatchObject([{ pointer: '/b' }]);
});

test('A22 patterns run in linear time; what RE2 cannot express is left to the server', () => {
  const slow = compileSchema({ type: 'string', pattern: '^(a+)+$' });
  const before = performance.now();
  expect(slow(`${'a'.repeat(5_000)}!`)).toHaveLength(1);
  expect(performance.now() - before).toBeLessThan(500);
  expect(compileSchema({ type: 'string', pattern: '^(?=a)b' })('x')).toEqual([]);
});
