import { expect, test } from '@jest/globals';
import type { Kpi } from '@signalbox/sdk/client/kpis.js';
import { budgetText, burnText, kpiFigure, kpiLamp, kpisSentence, lineOf, targetText, windowOf } from './kpis.ts';

const kpi: Kpi = {
  ...{ name: 'latency', unit: 'ms', count: 4, bad: 0, value: 12, p50: 10, p99: 40, target: 100, within: 0.95, objective: null },
  ...{ met: true, budgetLeft: 1, burn: [], points: [] },
};
const burn = { long: '6h', short: '30m', longRate: 7.123, shortRate: 8, threshold: 6, burning: true };

test('a KPI is met, missed, not measured or without target; what burns is said first', () => {
  expect(kpiLamp(kpi)).toMatchObject({ word: 'Met' });
  expect(kpiLamp({ ...kpi, met: false })).toMatchObject({ word: 'Missed' });
  expect(kpiLamp({ ...kpi, count: 0, met: null })).toMatchObject({ word: 'Not measured' });
  expect(kpiLamp({ ...kpi, target: null, met: null })).toMatchObject({ word: 'No target' });
  expect(kpiLamp({ ...kpi, burn: [burn] })).toMatchObject({ word: 'Burning' });
  expect(burnText({ burn: [{ ...burn, long: '1h', burning: false }, burn] })).toBe('7.1 × over 6h');
  expect(burnText(kpi)).toBe('–');
});

test('figures have their units', () => {
  expect([kpiFigure(0.99912, 'share'), kpiFigure(1.234, 'ratio'), kpiFigure(1_500, 'ms'), kpiFigure(null, 'ms')]).toEqual([
    '99.912 %',
    '1.23 ×',
    '1.50 s',
    '–',
  ]);
  expect(targetText({ name: 'availability', unit: 'share', target: 0.999 })).toBe('at least 99.9 %');
  expect(targetText({ name: 'latency', unit: 'ms', target: 100 })).toBe('at most 100 ms');
  expect([1, -4, null].map((budgetLeft) => budgetText({ budgetLeft }))).toEqual(['100 %', 'overdrawn by 400 %', '–']);
});

test('a line has gaps where nothing was measured, and the target where it is within', () => {
  const points = [10, 20, null, 20].map((value, at) => ({ at: new Date(at).toISOString(), count: 1, value }));
  const { paths, targetAt } = lineOf({ points, target: 10 });
  expect(paths).toEqual(['M 0 52.38 L 33.33 4.76', 'M 100 4.76 h 0.6']);
  expect(targetAt).toBe(52.38);
  expect(lineOf({ points, target: 100 }).targetAt).toBeNull();
  expect(lineOf({ points: [], target: null }).paths).toEqual([]);
});

test('one sentence says how they stand', () => {
  expect(kpisSentence([kpi], '6h')).toBe('All targets were met in the last 6 hours.');
  expect(kpisSentence([kpi, { ...kpi, met: false }], '1h')).toBe('1 target was missed in the last hour.');
  expect(kpisSentence([{ ...kpi, burn: [burn] }], '1h')).toBe('1 error budget burns too fast.');
  expect(kpisSentence([{ ...kpi, count: 0 }], '30d')).toBe('Nothing was measured in the last 30 days.');
  expect([windowOf('7d'), windowOf('2h'), windowOf(null)]).toEqual(['7d', '1h', '1h']);
});
