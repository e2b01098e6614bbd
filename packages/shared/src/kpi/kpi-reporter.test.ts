import { expect, test } from '@jest/globals';
import type { RecordKpisRequest } from '../contracts/registry/record-kpis.ts';
import { Fault } from '../errors/fault.ts';
import { KpiReporter } from './kpi-reporter.ts';

const workspace = '01890000-0000-7000-8000-000000000001';

function reporter(): { kpis: KpiReporter; told: RecordKpisRequest[]; away: { is: boolean } } {
  const told: RecordKpisRequest[] = [];
  const away = { is: false };
  const request = (_: unknown, report: RecordKpisRequest): Promise<object> => {
    told.push(report);
    return away.is ? Promise.reject(new Fault('unavailable', 'registry is not running', 'Wait.')) : Promise.resolve({});
  };
  return { kpis: new KpiReporter({ service: 'execution', request } as never), told, away };
}

test('an observation counts for its workspace, its agent and its version', async () => {
  const { kpis, told } = reporter();
  kpis.observe({ workspace, kpi: 'agent-errors', agent: 'analyst', version: 3, value: 50, isBad: true });
  kpis.observe({ workspace, kpi: 'agent-errors', agent: 'analyst', value: 150 });
  kpis.observe({ workspace, kpi: 'errors' });
  await kpis.flush();
  expect(told[0]?.entries.map(({ kpi, agent, version, count, bad, sum }) => [kpi, agent, version, count, bad, sum])).toEqual([
    ['agent-errors', '', 0, 2, 1, 200],
    ['agent-errors', 'analyst', 0, 2, 1, 200],
    ['agent-errors', 'analyst', 3, 1, 1, 50],
    ['errors', '', 0, 1, 0, 0],
  ]);
  await kpis.flush();
  expect(told).toHaveLength(1);
});

test('what is not acknowledged is told again as the same report', async () => {
  const { kpis, told, away } = reporter();
  away.is = true;
  kpis.observe({ workspace, kpi: 'errors', isBad: true });
  await kpis.flush();
  away.is = false;
  kpis.observe({ workspace, kpi: 'errors' });
  await kpis.flush();
  expect(told).toHaveLength(3);
  expect(told[1]).toEqual(told[0]);
  expect(told[2]!.report).not.toBe(told[0]!.report);
});

test('more agents than it tells apart count for their workspace', async () => {
  const { kpis, told } = reporter();
  for (let n = 0; n < 5_000; n++) kpis.observe({ workspace, kpi: 'latency', agent: `a${n}`, value: 1 });
  await kpis.flush();
  const entries = told.flatMap((report) => report.entries);
  expect(entries).toHaveLength(4_000);
  expect(entries.find(({ agent }) => agent === '')?.count).toBe(5_000);
});
