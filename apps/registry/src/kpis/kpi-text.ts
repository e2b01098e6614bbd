import type { Kpi, KpiBurn } from '@signalbox/shared/contracts/registry/kpi.js';
import type { KpiName, KpiUnit } from '@signalbox/shared/contracts/registry/kpi-names.js';

const titles: Record<KpiName, string> = {
  latency: 'latency that we add',
  errors: 'errors of ours',
  availability: 'availability',
  services: 'services that answer',
  'agent-errors': 'errors of agents',
  'longest-path': 'time against the longest path',
  'single-agent': 'time against a single agent',
  isolate: 'time to isolate',
  redistribute: 'time to redistribute',
  recover: 'time to recover',
};

export function kpiTitle(name: KpiName): string {
  return titles[name];
}

function figureText(value: number | null, unit: KpiUnit): string {
  if (value === null) return 'not measured';
  if (unit === 'share') return `${Number((value * 100).toPrecision(5))} %`;
  return unit === 'ms' ? `${Number(value.toPrecision(3))} ms` : `${Number(value.toPrecision(3))} times`;
}

/** Why people are told. */
export function burnText(kpi: Kpi, { long, short, longRate, shortRate }: KpiBurn): string {
  const days = longRate > 0 ? 30 / longRate : 30;
  const until = days >= 1 ? `${Number(days.toPrecision(2))} days` : `${Number((days * 24).toPrecision(2))} hours`;
  return (
    `${titles[kpi.name]}: its error budget of 30 days would be used up in ${until}: it burns ${Number(longRate.toPrecision(3))} times as fast as it may over ${long}, ` +
    `${Number(shortRate.toPrecision(3))} times over ${short}. Of the last hour it is ${figureText(kpi.value, kpi.unit)}; the target is ${figureText(kpi.target, kpi.unit)}.`
  );
}

export function settledText(kpi: Kpi): string {
  return `${titles[kpi.name]}: its error budget burns no faster than it may. Of the last hour it is ${figureText(kpi.value, kpi.unit)}; the target is ${figureText(kpi.target, kpi.unit)}.`;
}
