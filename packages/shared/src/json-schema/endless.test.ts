import { expect, test } from '@jest/globals';
import { endlessReference } from './endless.ts';

test.each([
  ['itself', { $ref: '#' }],
  ['itself by allOf', { allOf: [{ type: 'object' }, { $ref: '#' }] }],
  ['a circle of definitions', { $defs: { a: { $ref: '#/$defs/b' }, b: { not: { $ref: '#/$defs/a' } } }, $ref: '#/$defs/a' }],
  ['a circle deep inside', { properties: { x: { items: { $defs: {}, anyOf: [{ $ref: '#/properties/x/items' }] } } } }],
  ['a pointer with escapes', { $defs: { 'a/b': { $ref: '#/$defs/a~1b' } } }],
])('%s is endless', (_, schema) => {
  expect(endlessReference(schema)).toMatch(/^#/);
});

test.each([
  ['a tree', { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } }],
  ['a definition used twice', { $defs: { a: { type: 'string' } }, allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/a' }] }],
  ['what is not there', { $ref: '#/$defs/none' }],
  ['what leads outside', { $ref: 'https://example.com/schema' }],
  ['none', { enum: [{ $ref: 5 }] }],
])('%s is not', (_, schema) => {
  expect(endlessReference(schema)).toBeNull();
});
