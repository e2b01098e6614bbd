import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { decodeBody, encodeBody } from './body.ts';
import { dayOf, newRunUuid } from './identifiers.ts';

test('transitions come back as they were, the large values by their hash', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 40_000 }), (value, length) => {
      const large = 'x'.repeat(length);
      const transitions: Transition[] = [
        { t: 'started', at: 1, input: [value as Json, large], depth: 0, timeoutMs: 5 },
        { t: 'succeeded', at: 2, s: 0, i: -1, n: 1, output: [value as Json, large] },
        { t: 'failed', at: 3, s: 1, i: -1, n: 1, error: { code: 'internal', detail: 'x' } },
        { t: 'ended', at: 4, status: 'succeeded', reason: null, output: { large } },
      ];
      const { body, blobs } = encodeBody(transitions);
      const known = new Map(blobs.map((blob) => [blob.sha256.toString('hex'), JSON.parse(blob.body.toString()) as Json]));
      expect(decodeBody(body, known)).toEqual(JSON.parse(JSON.stringify(transitions)));
      if (length > 17_000) {
        expect(body.length).toBeLessThan(2_000);
        expect(blobs).toHaveLength(2);
        expect(() => decodeBody(body, new Map())).toThrow(/missing/);
      }
    }),
    { numRuns: 50 },
  );
});

test('an output that looks like a reference is none', () => {
  const transitions: Transition[] = [{ t: 'succeeded', at: 2, s: 0, i: -1, n: 1, output: { $blob: 'abc' } }];
  expect(decodeBody(encodeBody(transitions).body, new Map())).toEqual(transitions);
});

test('a run’s identifier says its day and its shard', () => {
  const at = Date.UTC(2026, 10, 24, 23, 59, 59, 999);
  const uuid = newRunUuid(at, 0xab);
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{10}ab$/);
  expect(dayOf(uuid)).toBe('2026-11-24');
  expect(dayOf(newRunUuid(at + 1))).toBe('2026-11-25');
  expect(dayOf(uuid)).toBe('2026-11-24');
});
