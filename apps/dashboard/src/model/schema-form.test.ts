import { expect, test } from '@jest/globals';
import { faultsOf, formOf, initialOf } from './schema-form.ts';

const schema = {
  type: 'object',
  required: ['path', 'options'],
  properties: {
    depth: { type: 'integer', minimum: 1, maximum: 5, default: 2 },
    path: { type: 'string', title: 'Folder', description: 'Below the guarded one' },
    ratio: { type: ['number', 'null'] },
    hidden: { type: 'boolean' },
    format: { enum: ['text', 'json'] },
    fixed: { const: 'yes' },
    names: { type: 'array', items: { type: 'string' } },
    options: { type: 'object', properties: { deep: { type: 'boolean', default: false } } },
    anything: {},
    odd: 'not a schema',
  },
};

test('a schema becomes fields of the fitting kinds, required ones first', () => {
  const form = formOf(schema);
  expect(form.fields.map(({ name, kind }) => [name, kind])).toEqual([
    ['path', 'text'],
    ['options', 'object'],
    ['depth', 'number'],
    ['ratio', 'number'],
    ['hidden', 'boolean'],
    ['format', 'choice'],
    ['fixed', 'choice'],
    ['names', 'list'],
    ['anything', 'json'],
  ]);
  expect(form.fields[0]).toMatchObject({ label: 'Folder', description: 'Below the guarded one', required: true });
});

test('a schema that is none, too deep or too wide is edited as JSON', () => {
  expect(formOf(null).kind).toBe('json');
  expect(formOf({ type: 'array' }).kind).toBe('json');
  const deep = {
    type: 'object',
    properties: {
      a: {
        type: 'object',
        properties: { b: { type: 'object', properties: { c: { type: 'object', properties: { d: { type: 'object', properties: {} } } } } } },
      },
    },
  };
  const down = formOf(deep).fields[0]!.fields[0]!.fields[0]!.fields[0]!;
  expect(down.kind).toBe('json');
  const wide = { type: 'object', properties: Object.fromEntries(Array.from({ length: 61 }, (_, i) => [`p${i}`, {}])) };
  expect(formOf(wide).kind).toBe('json');
});

test('a fresh form holds the defaults and the objects that are required', () => {
  expect(initialOf(formOf(schema))).toEqual({ depth: 2, fixed: 'yes', options: { deep: false } });
  expect(initialOf(formOf({ type: 'string' }))).toBeUndefined();
});

test('faults are named by pointer', () => {
  const form = formOf(schema);
  expect(faultsOf(form, { depth: 9, ratio: 'x', names: ['a'], options: {} })).toEqual([
    { pointer: '/path', detail: 'This is required.' },
    { pointer: '/depth', detail: 'At most 5.' },
    { pointer: '/ratio', detail: 'A number, please.' },
  ]);
  expect(faultsOf(form, { path: '', depth: 0, options: 3 }).map(({ detail }) => detail)).toEqual(['An object, please.', 'At least 1.']);
  expect(faultsOf(form, { path: 'x', depth: 1.5, names: 'x', options: {} }).map(({ detail }) => detail)).toEqual([
    'A whole number, please.',
    'A list, please.',
  ]);
  expect(faultsOf(form, { path: 'x', options: {}, names: ['a'], hidden: true })).toEqual([]);
  expect(faultsOf(formOf({ type: 'object', required: ['a/b'], properties: { 'a/b': { type: 'number' } } }), {})).toEqual([
    { pointer: '/a~1b', detail: 'This is required.' },
  ]);
});
