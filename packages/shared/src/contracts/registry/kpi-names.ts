/** What is measured all the time: see docs/kpis.md for where each comes from. */
export const kpiNames = [
  'latency',
  'errors',
  'availability',
  'services',
  'agent-errors',
  'longest-path',
  'single-agent',
  'isolate',
  'redistribute',
  'recover',
] as const;
export type KpiName = (typeof kpiNames)[number];

/** Of these, what an agent did is kept too. */
export const kpisOfAgents: readonly KpiName[] = ['latency', 'agent-errors', 'isolate', 'redistribute', 'recover'];

export const kpiUnits = ['ms', 'share', 'ratio'] as const;
export type KpiUnit = (typeof kpiUnits)[number];

export const kpiWindows = ['1h', '6h', '1d', '7d', '30d'] as const;
export type KpiWindow = (typeof kpiWindows)[number];
