import type { Kpi } from '@signalbox/shared/contracts/registry/kpi.js';

/** KPIs of the last hour in the Prometheus text format, with their targets and burn rates. */
export function kpiMetrics(figures: ReadonlyMap<string, readonly Kpi[]>): string {
  const all = [...figures].flatMap(([workspace, kpis]) =>
    kpis.map((kpi) => ({ kpi, labels: `workspace="${workspace}",kpi="${kpi.name}"` })),
  );
  if (all.length === 0) return '';
  const family = (name: string, help: string, rows: (kpi: Kpi, labels: string) => string[]): string[] => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...all.flatMap(({ kpi, labels }) => rows(kpi, labels)),
  ];
  const single = (name: string, labels: string, value: number | null): string[] => (value === null ? [] : [`${name}{${labels}} ${value}`]);
  return [
    ...family('signalbox_kpi', 'A KPI of the last hour: milliseconds, a share or a ratio.', (kpi, labels) => [
      ...single('signalbox_kpi', `${labels},stat="value"`, kpi.value),
      ...single('signalbox_kpi', `${labels},stat="p50"`, kpi.p50),
      ...single('signalbox_kpi', `${labels},stat="p99"`, kpi.p99),
    ]),
    ...family('signalbox_kpi_count', 'How many were measured within the last hour.', (kpi, labels) => [
      `signalbox_kpi_count{${labels}} ${kpi.count}`,
    ]),
    ...family('signalbox_kpi_target', 'What it is to be.', (kpi, labels) => single('signalbox_kpi_target', labels, kpi.target)),
    ...family('signalbox_kpi_burn_rate', 'How fast its error budget of 30 days burns: 1 uses it up exactly.', (kpi, labels) =>
      kpi.burn.flatMap(({ long, short, longRate, shortRate }) => [
        `signalbox_kpi_burn_rate{${labels},pair="${long}",window="${long}"} ${longRate}`,
        `signalbox_kpi_burn_rate{${labels},pair="${long}",window="${short}"} ${shortRate}`,
      ]),
    ),
    '',
  ].join('\n');
}
