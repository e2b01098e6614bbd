import { expect, test } from '@jest/globals';
import { wrongAnswer } from './answer-schema.ts';

const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' }, name: { type: 'string', pattern: '^[a-z]+$' } } };

test('an answer is held against the schema of its skill', () => {
  expect(wrongAnswer(schema, { n: 1, name: 'abc' })).toBeUndefined();
  expect(wrongAnswer(schema, { n: 'x' })).toBe('/n must be integer');
  expect(wrongAnswer(schema, null)).toBe('it must be object');
  expect(wrongAnswer(schema, { n: 1, name: 'ABC' })).toMatch('/name must match pattern');
});

test('drafts that name themselves are understood, and what only a backtracking engine can match is not gone by', () => {
  const named = { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ type: 'string' }] };
  expect(wrongAnswer(named, [1])).toBe('/0 must be string');
  expect(wrongAnswer({ type: 'string', pattern: '^(?!x)' }, 5)).toBeUndefined();
});
