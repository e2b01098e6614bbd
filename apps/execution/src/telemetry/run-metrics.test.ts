import { expect, test } from '@jest/globals';
import type { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import type { LiveRun } from '../shards/live-run.ts';
import { Histogram } from './histogram.ts';
import { RunMetrics } from './run-metrics.ts';

function metrics(): { metrics: RunMetrics; text: () => string } {
  let text = (): string => '';
  const lifecycle = { measure: (lines: () => string) => (text = lines) } as unknown as ServiceLifecycle;
  return { metrics: new RunMetrics(lifecycle), text: () => text() };
}

function runOf(workflow: string): LiveRun {
  return { facts: { workspace: 'w', workflow }, state: { startedAt: 0, steps: [] } } as unknown as LiveRun;
}

test('past so many workflows, what others do is counted together', () => {
  const { metrics: of, text } = metrics();
  for (let n = 0; n < 300; n++) {
    of.committed(runOf(`flow-${n}`), [{ t: 'started', at: 0, input: null, depth: 0, timeoutMs: 1 }]);
  }
  const started = text()
    .split('\n')
    .filter((line) => line.startsWith('signalbox_runs_started_total'));
  expect(started).toHaveLength(201);
  expect(started.at(-1)).toBe('signalbox_runs_started_total{workspace="other",workflow="other"} 100');
  of.committed(runOf('flow-1'), [{ t: 'started', at: 0, input: null, depth: 0, timeoutMs: 1 }]);
  expect(text()).toContain('signalbox_runs_started_total{workspace="w",workflow="flow-1"} 2');
});

test('a name cannot end its label', () => {
  const { metrics: of, text } = metrics();
  of.committed(runOf('a"} 1\nb\\'), [{ t: 'started', at: 0, input: null, depth: 0, timeoutMs: 1 }]);
  expect(text()).toContain('workflow="a\\"} 1\\nb\\\\"} 1');
});

test('each bucket of a histogram counts those below it', () => {
  const histogram = new Histogram([1, 10]);
  for (const value of [0.5, 1, 5, 50]) histogram.observe(value);
  expect(histogram.lines('h', 'a="b"')).toEqual([
    'h_bucket{a="b",le="1"} 2',
    'h_bucket{a="b",le="10"} 3',
    'h_bucket{a="b",le="+Inf"} 4',
    'h_sum{a="b"} 56.5',
    'h_count{a="b"} 4',
  ]);
});
