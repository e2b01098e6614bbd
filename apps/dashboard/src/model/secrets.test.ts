import { expect, test } from '@jest/globals';
import { secretFault } from './secrets.ts';

test.each([
  ['github-token', 'eight888', null],
  ['', '', null],
  ['github-token', '', null],
  ['Git_Token', 'eight888', 'A name has lower-case letters, digits and hyphens.'],
  ['-a', '', 'A name has lower-case letters, digits and hyphens.'],
  ['a', 'seven77', 'A value has 8 characters or more.'],
])('the name %j with the value %j: %j', (name, value, fault) => {
  expect(secretFault(name, value)).toBe(fault);
});
