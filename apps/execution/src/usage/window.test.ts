import { describe, expect, test } from '@jest/globals';
import { windowOf } from './window.ts';

const now = Date.parse('2026-11-26T10:20:00Z');
const text = (window: { from?: string; to?: string }): string[] => {
  const { from, to } = windowOf(window, now);
  return [new Date(from).toISOString(), new Date(to).toISOString()];
};

describe('the window of usage', () => {
  test('is of whole hours, with those that are asked for in it, and ends now', () => {
    expect(text({})).toEqual(['2026-10-27T11:00:00.000Z', '2026-11-26T11:00:00.000Z']);
    expect(text({ from: '2026-11-26T08:59:59Z' })).toEqual(['2026-11-26T08:00:00.000Z', '2026-11-26T11:00:00.000Z']);
    expect(text({ from: '2026-11-01', to: '2026-11-01' })).toEqual(['2026-11-01T00:00:00.000Z', '2026-11-01T01:00:00.000Z']);
  });

  test('that ends before it begins, or is too long, is refused', () => {
    expect(() => windowOf({ from: '2026-11-27T00:00:00Z' }, now)).toThrow('must be after from');
    expect(() => windowOf({ from: '2026-01-01T00:00:00Z' }, now)).toThrow('at most 100 days');
    expect(() => windowOf({ from: '2026-08-18T10:00:00Z' }, now)).not.toThrow();
  });
});
