import type { RequestOptions, Transport } from './transport.ts';

export type KpiName =
  | 'latency'
  | 'errors'
  | 'availability'
  | 'services'
  | 'agent-errors'
  | 'longest-path'
  | 'single-agent'
  | 'isolate'
  | 'redistribute'
  | 'recover';

export type KpiWindow = '1h' | '6h' | '1d' | '7d' | '30d';

/** How fast an error budget of 30 days is used: 1 uses it up exactly. People are told when both windows are beyond the threshold. */
export interface KpiBurn {
  long: string;
  short: string;
  longRate: number;
  shortRate: number;
  threshold: number;
  burning: boolean;
}

/** One KPI within a window. */
export interface Kpi {
  name: KpiName;
  /** A share is between 0 and 1. */
  unit: 'ms' | 'share' | 'ratio';
  count: number;
  /** Those that failed or lie beyond the target. */
  bad: number;
  /** The mean, or the share; null: nothing was measured. */
  value: number | null;
  p50: number | null;
  p99: number | null;
  /** At least (availability, services) or at most (all others); null: nothing is asked. */
  target: number | null;
  /** The share that must lie within the target. */
  within: number | null;
  /** The Objective that says so; null: as the product promises. */
  objective: string | null;
  met: boolean | null;
  /** The share of the window's error budget that is left; below 0 it is overdrawn. */
  budgetLeft: number | null;
  burn: KpiBurn[];
  points: { at: string; count: number; value: number | null }[];
}

export interface KpiQuery {
  /** `1h` if absent. */
  window?: KpiWindow | undefined;
  /** Of this agent alone. */
  agent?: string | undefined;
}

export interface KpiPage {
  window: KpiWindow;
  agent: string | null;
  from: string;
  to: string;
  data: Kpi[];
}

/** `/kpis`: what is measured all the time, against targets. */
export class Kpis {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  get(query: KpiQuery = {}, options: RequestOptions = {}): Promise<KpiPage> {
    return this.#http.json({ method: 'GET', path: '/kpis', query: { ...query }, ...options });
  }
}
