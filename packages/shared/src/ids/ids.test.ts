import { expect, test } from '@jest/globals';
import { fromUuid, idPattern, namePattern, newId, newUuid, toUuid } from './ids.ts';

test('an identifier and its UUID are the same thing', () => {
  const uuid = newUuid();
  const id = fromUuid('run', uuid);
  expect(id).toMatch(idPattern('run'));
  expect(toUuid(id, 'run')).toBe(uuid);
});

test('identifiers sort by the time they were made', async () => {
  const first = newId('run');
  await new Promise((resolve) => setTimeout(resolve, 2));
  expect(newId('run') > first).toBe(true);
});

test.each(['agent_01h455vb4pex5vsknk084sn02q', 'run_', 'run_zzzz', '../etc', ''])(
  'what is no identifier of that kind is not found: %j',
  (id) => {
    expect(() => toUuid(id, 'run')).toThrow(expect.objectContaining({ code: 'not_found' }));
  },
);

test.each(['a', 'agent-1', 'a'.repeat(63)])('a name is a DNS label: %s', (name) => expect(name).toMatch(namePattern));
test.each(['', '-a', 'a-', 'A', 'a.b', 'a>b', 'a*', 'a'.repeat(64), 'a\n'])('a name is nothing else: %j', (name) =>
  expect(name).not.toMatch(namePattern),
);
