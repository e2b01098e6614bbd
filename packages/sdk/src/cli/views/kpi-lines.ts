import type { Kpi, KpiName } from '../../client/kpis.ts';

const titles: Record<KpiName, string> = {
  latency: 'latency added',
  errors: 'errors of ours',
  availability: 'availability',
  services: 'services that answer',
  'agent-errors': 'errors of agents',
  'longest-path': 'against the longest path',
  'single-agent': 'against a single agent',
  isolate: 'time to isolate',
  redistribute: 'time to redistribute',
  recover: 'time to recover',
};

const highs: ReadonlySet<KpiName> = new Set<KpiName>(['availability', 'services']);
const blocks = '▁▂▃▄▅▆▇█';

export function kpiTitle(name: KpiName): string {
  return titles[name];
}

/** A value of a KPI with its unit. */
export function kpiFigure(value: number | null, unit: Kpi['unit']): string {
  if (value === null) return '-';
  if (unit === 'share') return `${Number((value * 100).toPrecision(5))} %`;
  return unit === 'ratio' ? `${Number(value.toPrecision(3))} x` : `${Number(value.toPrecision(3))} ms`;
}

export function kpiTarget({ name, target, unit }: Pick<Kpi, 'name' | 'target' | 'unit'>): string {
  return target === null ? '-' : `${highs.has(name) ? '≥' : '≤'} ${kpiFigure(target, unit)}`;
}

/** The fastest that its budget burns where both windows agree, and whether that is too fast. */
export function kpiBurn({ burn }: Pick<Kpi, 'burn'>): { text: string; isBurning: boolean } {
  const hot = burn.find(({ burning }) => burning) ?? burn[0];
  if (hot === undefined) return { text: '-', isBurning: false };
  return { text: `${Number(hot.longRate.toPrecision(2))} x over ${hot.long}`, isBurning: hot.burning };
}

/** How it went, as a line of blocks; a gap where nothing was measured. At most `width` wide. */
export function sparkline(points: Kpi['points'], width: number): string {
  const size = Math.ceil(points.length / width);
  const values = Array.from({ length: Math.ceil(points.length / size) }, (_, at) => {
    const known = points.slice(at * size, (at + 1) * size).flatMap(({ value }) => value ?? []);
    return known.length === 0 ? null : Math.max(...known);
  });
  const most = Math.max(...values.map((value) => value ?? 0));
  return values.map((value) => (value === null ? ' ' : blocks[most === 0 ? 0 : Math.round((value / most) * (blocks.length - 1))])).join('');
}
