import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export const stages = ['integration', 'staging', 'production', 'full-access'] as const;
/** How far an agent's version is trusted, in this order. */
export type Stage = (typeof stages)[number];

/** One metric of a gate against its target. */
export interface MetricCheck {
  metric: string;
  standing: 'met' | 'short' | 'missing' | 'expired' | 'no-baseline' | (string & {});
  /** In words, as `at least 0.95`. */
  target: string;
  value?: number;
  shortBy?: number;
  baselineVersion?: number;
  baseline?: number;
  source?: string;
  evidence?: string;
  expiresAt?: string;
  /** How it stands, in a sentence. */
  says: string;
  /** The command that would supply what lacks. */
  next?: string;
}

export interface ApprovalsCheck {
  count: number;
  roles: string[];
  /** Those that count for whoever asks: not their own. */
  given: { by: string; byName: string; at: string }[];
  met: boolean;
  says: string;
}

export interface GateCheck {
  gate: string;
  passed: boolean;
  evidenceDays: number;
  metrics: MetricCheck[];
  approvals?: ApprovalsCheck;
}

/** Whether a version may get to a stage. */
export interface StageCheck {
  stage: Stage;
  held: boolean;
  allowed: boolean;
  gates: GateCheck[];
  blockers: { because: string; next: string }[];
}

/** Which version is at a stage. */
export interface StageHolder {
  stage: Stage;
  version: number;
  since: string;
  by: string;
  byName: string;
}

export interface StageMove {
  move: 'promoted' | 'demoted' | 'approved';
  stage: Stage;
  version: number;
  by: string;
  byName: string;
  reason?: string;
  at: string;
}

export interface AgentStages {
  agent: string;
  /** The version whose gates are looked at. */
  version: number;
  current: number;
  holders: StageHolder[];
  /** Every stage, in order. */
  checks: StageCheck[];
  /** The newest first. */
  history: StageMove[];
}

export interface Promotion {
  action: 'promoted' | 'unchanged' | 'refused';
  check: StageCheck;
  holders: StageHolder[];
}

/** Which version, and why. */
export interface StageOrder {
  version: number;
  reason?: string | undefined;
}

/** `/agents/{name}/stages`: which versions of an agent are at which stage, and how they get there. */
export class Stages {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** Who is where, and what a version (the current one if absent) lacks for each stage. */
  get(agent: string, query: { version?: number | undefined } = {}, options: RequestOptions = {}): Promise<AgentStages> {
    return this.#http.json({ method: 'GET', path: path`/agents/${agent}/stages`, query: { ...query }, ...options });
  }

  /** Puts a version at a stage; a refusal is a conflict whose `errors` name what is short. `dryRun`: only says whether it may. */
  promote(
    agent: string,
    order: StageOrder & { to: Stage },
    query: { dryRun?: boolean | undefined } = {},
    options: RequestOptions = {},
  ): Promise<Promotion> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/promote`, query: { ...query }, body: order, ...options });
  }

  /** Takes a version from a stage and all later ones; the version that was there before is there again. */
  demote(
    agent: string,
    order: StageOrder & { from: Stage },
    options: RequestOptions = {},
  ): Promise<{ left: Stage[]; holders: StageHolder[] }> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/demote`, body: order, ...options });
  }

  /** Agrees that somebody else puts a version at a stage. */
  approve(
    agent: string,
    order: StageOrder & { to: Stage },
    options: RequestOptions = {},
  ): Promise<{ action: 'approved' | 'unchanged'; check: StageCheck }> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/approve`, body: order, ...options });
  }
}
