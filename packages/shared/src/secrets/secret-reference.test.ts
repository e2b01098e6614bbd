import { expect, test } from '@jest/globals';
import { fillReferences, referenceFault, secretNamesIn } from './secret-reference.ts';

test.each([
  ['secret://github-token', ['github-token']],
  ['Bearer secret://a1', ['a1']],
  ['secret://user:secret://password@host secret://user', ['user', 'password']],
  ['nothing', []],
])('%j names %j', (text, names) => {
  expect(secretNamesIn(text)).toEqual(names);
  expect(referenceFault(text)).toBeNull();
});

test.each([
  'secret://',
  'secret://UPPER',
  'secret://a_b',
  'secret://a.b',
  'secret://-a',
  `secret://${'a'.repeat(64)}`,
  'secret://ok secret://No',
])('%j is refused', (text) => expect(referenceFault(text)).toMatch(/must name a secret as/));

test('what stands in the place of a name is taken as it is', async () => {
  const valueOf = async (name: string) => `$& secret://other ${name}`;
  expect(await fillReferences('Basic secret://a, secret://a', valueOf)).toBe('Basic $& secret://other a, $& secret://other a');
});
