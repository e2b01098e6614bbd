import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { RunStep } from '../api/shapes.ts';
import { formatTick, stepLabel, ticksOf, timelineOf } from './timeline.ts';

const origin = Date.UTC(2026, 10, 24, 12);
const at = (ms: number): string => new Date(origin + ms).toISOString();

function step(key: string, more: Partial<RunStep> = {}): RunStep {
  return {
    key,
    step: key.replace(/\[.*/, ''),
    index: null,
    kind: 'agent',
    label: '',
    status: 'pending',
    agent: null,
    skill: null,
    tool: null,
    child: null,
    needs: [],
    waitingFor: [],
    queuedAt: null,
    startedAt: null,
    endedAt: null,
    onCriticalPath: false,
    attempts: [],
    input: null,
    output: null,
    error: null,
    ...more,
  };
}

const run = (steps: RunStep[], endedAt: string | null = null) => ({ steps, createdAt: at(-50), startedAt: at(0), endedAt });

test('a retried step shows its queue time, both attempts and the whole span', () => {
  const retried = step('analyse[2]', {
    label: 'analyst: packages/shared',
    status: 'succeeded',
    queuedAt: at(300),
    startedAt: at(400),
    endedAt: at(2_900),
    onCriticalPath: true,
    attempts: [
      { number: 1, status: 'failed', agent: null, instance: 'analyst-1', startedAt: at(400), endedAt: at(1_300), error: null },
      { number: 2, status: 'succeeded', agent: null, instance: 'analyst-2', startedAt: at(1_500), endedAt: at(2_900), error: null },
    ],
  });
  const { rows, spanMs } = timelineOf(run([retried], at(3_000)), origin + 99_999);
  expect(spanMs).toBe(3_000);
  expect(rows[0]).toEqual({
    key: 'analyse[2]',
    label: 'analyst: packages/shared',
    status: 'succeeded',
    critical: true,
    spanMs: 2_500,
    segments: [
      { kind: 'queued', from: 300, to: 400, status: 'queued', number: 0 },
      { kind: 'attempt', from: 400, to: 1_300, status: 'failed', number: 1 },
      { kind: 'attempt', from: 1_500, to: 2_900, status: 'succeeded', number: 2 },
    ],
  });
});

test('what is open ends now, and leaves room to grow', () => {
  const running = step('a', {
    status: 'running',
    startedAt: at(100),
    attempts: [{ number: 1, status: 'running', agent: null, instance: null, startedAt: at(100), endedAt: null, error: null }],
  });
  const queued = step('b', { status: 'queued', queuedAt: at(200) });
  const { rows, spanMs } = timelineOf(run([running, queued, step('c')]), origin + 1_000);
  expect(rows.map(({ segments }) => segments.map(({ kind, from, to }) => [kind, from, to]))).toEqual([
    [['attempt', 100, 1_000]],
    [['queued', 200, 1_000]],
    [],
  ]);
  expect(rows.map((row) => row.spanMs)).toEqual([900, null, null]);
  expect(spanMs).toBeGreaterThan(1_000);
});

test('an attempt whose end was lost ends where the next begins', () => {
  const lost = step('a', {
    status: 'running',
    attempts: [
      { number: 1, status: 'failed', agent: null, instance: null, startedAt: at(0), endedAt: null, error: null },
      { number: 2, status: 'running', agent: null, instance: null, startedAt: at(500), endedAt: null, error: null },
    ],
  });
  expect(timelineOf(run([lost]), origin + 800).rows[0]!.segments.map(({ to }) => to)).toEqual([500, 800]);
});

test('a step without attempts, as a value, has one bar of its own time', () => {
  const value = step('plan', { status: 'succeeded', startedAt: at(10), endedAt: at(40) });
  expect(timelineOf(run([value], at(50)), 0).rows[0]!.segments).toEqual([
    { kind: 'attempt', from: 10, to: 40, status: 'succeeded', number: 1 },
  ]);
});

test('skipped steps and a run that has not begun have no segments', () => {
  const skipped = step('a', { status: 'skipped', queuedAt: at(5) });
  expect(timelineOf({ ...run([skipped]), startedAt: null }, origin).rows[0]!.segments).toEqual([]);
});

test('a step is called by its label, an item by what its input is called, else by its key', () => {
  const item = (input: unknown, label = 'analyse') => stepLabel({ key: 'analyse[3]', step: 'analyse', index: 3, label, input });
  expect(stepLabel(step('plan', { label: ' ' }))).toBe('plan');
  expect(stepLabel(step('plan', { label: 'plan packages' }))).toBe('plan packages');
  expect(item({ id: 'apps/registry', root: '/x' })).toBe('analyse: apps/registry');
  expect(item({ path: '/x' })).toBe('analyse: /x');
  expect(item('apps')).toBe('analyse: apps');
  expect([item({ size: 3 }), item(null), item('x'.repeat(81))]).toEqual(['analyse[3]', 'analyse[3]', 'analyse[3]']);
  expect(item({ id: 'a' }, 'analyst: a')).toBe('analyst: a');
  const part = (more: Partial<RunStep>) => stepLabel(step('ask[1]', { index: 1, kind: 'llm', label: 'ask', ...more }));
  expect(part({ model: 'gpt-5-mini' })).toBe('ask: gpt-5-mini');
  expect(part({ tool: 'files/read' })).toBe('ask: files/read');
  expect(part({ model: null })).toBe('ask: no such tool');
});

test('the scale has round, rising, few ticks that begin at zero', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 1e9, noNaN: true }), (spanMs) => {
      const ticks = ticksOf(spanMs);
      expect(ticks[0]).toBe(0);
      expect(ticks.length).toBeLessThanOrEqual(9);
      for (const [i, tick] of ticks.entries()) if (i > 0) expect(tick).toBeGreaterThan(ticks[i - 1]!);
    }),
  );
  expect(ticksOf(3_650)).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500]);
});

test('ticks carry the unit of their scale', () => {
  expect([formatTick(5, 40), formatTick(500, 3_600), formatTick(120_000, 600_000), formatTick(7_200_000, 86_400_000)]).toEqual([
    '5 ms',
    '0.5 s',
    '2 min',
    '2 h',
  ]);
});
