import type { KpiName, KpiUnit } from '@signalbox/shared/contracts/registry/kpi-names.js';
import type { ObjectiveManifest } from '../manifests/manifest.ts';

/** What a KPI is to be. */
export interface Target {
  /** Milliseconds, a share or a ratio. */
  target: number;
  /** The share of what is measured that must be good; the rest is the error budget. */
  within: number;
  /** The Objective that says so; null: as the product promises. */
  objective: string | null;
}

/** How a KPI is measured. `high`: a share that is good, of which more is better; all others are better low. */
export interface Measure {
  unit: KpiUnit;
  isHigh: boolean;
  promised: { target: number; within: number } | null;
}

export const measures: Record<KpiName, Measure> = {
  latency: { unit: 'ms', isHigh: false, promised: { target: 100, within: 0.95 } },
  errors: { unit: 'share', isHigh: false, promised: { target: 0.001, within: 0.999 } },
  availability: { unit: 'share', isHigh: true, promised: { target: 0.999, within: 0.999 } },
  services: { unit: 'share', isHigh: true, promised: { target: 0.999, within: 0.999 } },
  'agent-errors': { unit: 'share', isHigh: false, promised: null },
  'longest-path': { unit: 'ratio', isHigh: false, promised: { target: 2, within: 0.95 } },
  'single-agent': { unit: 'ratio', isHigh: false, promised: { target: 2, within: 0.95 } },
  isolate: { unit: 'ms', isHigh: false, promised: { target: 1_000, within: 0.95 } },
  redistribute: { unit: 'ms', isHigh: false, promised: { target: 2_000, within: 0.95 } },
  recover: { unit: 'ms', isHigh: false, promised: { target: 60_000, within: 0.9 } },
};

const withinDefault = 0.95;

/** What is asked of a KPI of the workspace (`agent` null) or of one agent; null: nothing. */
export function targetOf(kpi: KpiName, agent: string | null, objectives: readonly ObjectiveManifest[]): Target | null {
  const { unit, isHigh, promised } = measures[kpi];
  const own = objectives.find(({ spec }) => spec.kpi === kpi && (spec.agent ?? null) === agent);
  if (own === undefined) return promised && { ...promised, objective: null };
  const { target, within = withinDefault } = own.spec;
  return { target, within: unit !== 'share' ? within : isHigh ? target : 1 - target, objective: own.metadata.name };
}
