import { expect, test } from '@jest/globals';
import { childTraceparent, currentCall, inCall } from './call-context.ts';
import { scrub } from './log.ts';

test.each([
  ['a key', 'the key sbx_abcdefghijkl was used', 'the key [redacted] was used'],
  ['a grant', `grant_${'0'.repeat(26)}_${'aB9'.repeat(14)}`, `grant_${'0'.repeat(26)}_[redacted]`],
  ['an identity', 'Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl', 'Bearer [redacted]'],
  ['a password in a URL', 'postgres://signalbox:s3cret@127.0.0.1/db', 'postgres://signalbox:[redacted]@127.0.0.1/db'],
  ['nothing secret', 'http://127.0.0.1:7420/', 'http://127.0.0.1:7420/'],
])('a log shows %s as it should', (_, text, shown) => expect(scrub(text)).toBe(shown));

test('a further span stays in its trace, a malformed parent begins a new one', () => {
  const parent = childTraceparent();
  expect(childTraceparent(parent).slice(0, 36)).toBe(parent.slice(0, 36));
  expect(childTraceparent(parent)).not.toBe(parent);
  expect(childTraceparent('00-zz-1-1')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

test('the call is known in all that it starts, and nowhere else', async () => {
  const context = { traceparent: childTraceparent() };
  await inCall(context, async () => {
    await Promise.resolve();
    expect(currentCall()).toBe(context);
  });
  expect(currentCall()).toBeUndefined();
});
