import { expect, test } from '@jest/globals';
import { refusalOf } from './admission.ts';

test('what floods an owner that writes nothing is bounded, and a quiet workspace is refused after it', () => {
  const waiting = { loud: 0, quiet: 0 };
  const start = (workspace: 'loud' | 'quiet'): ReturnType<typeof refusalOf> => {
    const all = waiting.loud + waiting.quiet;
    const refusal = refusalOf({ live: all, waiting: all, waitMs: 0 }, () => waiting[workspace]);
    if (refusal === undefined) waiting[workspace]++;
    return refusal;
  };
  expect(start('quiet')).toBeUndefined();
  for (let number = 0; number < 50_000; number++) start('loud');
  expect(waiting).toEqual({ loud: 4_999, quiet: 1 });
  expect(start('loud')).toMatchObject({ code: 'limited', retryAfterMs: 1_000 });
  for (let number = 0; number < 2_000; number++) expect(start('quiet')).toBeUndefined();
  for (let number = 0; number < 50_000; number++) for (const workspace of ['loud', 'quiet'] as const) start(workspace);
  expect(waiting.loud + waiting.quiet).toBe(20_000);
  expect(start('quiet')).toMatchObject({ code: 'limited', retryAfterMs: 2_000 });
});

test('one workspace alone may use all there is, and slow commits and too many runs refuse everybody', () => {
  expect(refusalOf({ live: 0, waiting: 19_999, waitMs: 0 }, () => 19_999)).toBeUndefined();
  expect(refusalOf({ live: 0, waiting: 0, waitMs: 5_000 }, () => 0)?.code).toBe('limited');
  expect(refusalOf({ live: 100_000, waiting: 0, waitMs: 0 }, () => 0)?.code).toBe('limited');
});
