import type { Grader } from './evals.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Labels } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export const rolloutStatuses = ['progressing', 'paused', 'promoted', 'rolled-back', 'superseded'] as const;
/** `superseded`: another version was applied, or went back to, before it had ended. */
export type RolloutStatus = (typeof rolloutStatuses)[number];

/** What must hold of a measure: see gates. */
export interface RolloutMeasure {
  /** `live.errorRate`, `live.latencyP95Ms`, `live.latencyMeanMs`, `live.costUsd`, of mirrored calls, as `mirror.errorRate`, or of evidence, as `evals.triage.score`. */
  metric: string;
  min?: number;
  max?: number;
  /** Against the stable version, as a share of what it has. */
  maxRise?: number;
  maxFall?: number;
  slack?: number;
}

/** How a version is rolled out. */
export interface RolloutPlan {
  strategy: 'all-at-once' | 'rolling' | 'canary' | 'blue-green' | 'shadow';
  /** `mirror`: of the calls that the stable version has, so many go to the new one as well. */
  steps: { share: number; mirror?: number; labels?: Labels; holdMs: number; pause?: boolean }[];
  measures: RolloutMeasure[];
  /** Suites that are put to the new version when it begins. */
  evals?: string[];
  /** What bounds mirrored calls, where a step has some. */
  mirror?: { perSecond: number; inFlight: number; budgetUsd: number };
  /** Graders of both answers of a mirrored call. */
  compare?: Grader[];
  /** Calls of the new version within a step before it is judged. */
  calls: number;
  /** `call`, `run` or `label:NAME`. */
  stickBy: string;
  onFailure: 'rollback' | 'pause';
}

/** How the calls of one version went. */
export interface RolloutFigures {
  version: number;
  calls: number;
  failed: number;
  /** Absent where there were no calls. */
  errorRate?: number;
  latencyP95Ms?: number;
  latencyMeanMs?: number;
  costUsd?: number;
}

/** What one version made of the calls that both had. */
export interface MirrorFigures {
  version: number;
  /** Absent where there were no calls. */
  errorRate?: number;
  /** Of the answers, those that are as the skill promises. */
  valid?: number;
  p50Ms?: number;
  p95Ms?: number;
  meanMs?: number;
  costUsd?: number;
}

/** How the calls went that both versions had, since the rollout began. */
export interface MirrorResult {
  pairs: number;
  /** Calls that were to be mirrored and were not, or of which nothing can be said. */
  skipped: number;
  /** Of the pairs with two answers, those with the same. */
  equal?: number;
  stable: MirrorFigures;
  candidate: MirrorFigures;
  /** By grader, of the newest pairs; `change` is with 95 %. */
  scores: {
    grader: string;
    pairs: number;
    stable: number;
    candidate: number;
    change: { value: number; low: number; high: number };
    pValue: number;
  }[];
  totalUsd: number;
  /** They have cost as much as they may: no more are mirrored. */
  isSpent: boolean;
}

/** A mirrored call that both versions answered in different ways; texts are JSON, cut. */
export interface RolloutPair {
  at: string;
  run: string;
  because: string;
  input: string;
  stable: string;
  candidate: string;
  stableMs: number;
  candidateMs: number;
}

/** How one measure stands. */
export interface RolloutCheck {
  metric: string;
  /** `open`: it cannot be told yet. */
  standing: 'met' | 'failed' | 'open';
  value?: number;
  baseline?: number;
  says: string;
}

/** A version of an agent that takes the place of another, step by step. */
export interface Rollout {
  id: string;
  agent: string;
  version: number;
  stable: number;
  status: RolloutStatus;
  /** What it does, or waits for, or how it ended. */
  reason: string;
  plan: RolloutPlan;
  /** Which of the steps it is at, from 0. */
  step: number;
  stepSince: string;
  /** Of the calls, as it is now. */
  share: number;
  /** Of the stable version since the rollout began; of the new one since this step did. */
  stableFigures: RolloutFigures;
  figures: RolloutFigures;
  /** Where calls were mirrored. */
  mirror?: MirrorResult;
  checks: RolloutCheck[];
  by: string;
  byName: string;
  createdAt: string;
  updatedAt: string;
  endedAt?: string;
}

/** One thing that happened, with the measures that decided it. */
export interface RolloutEntry {
  at: string;
  move: 'started' | 'eval' | 'step' | 'paused' | 'resumed' | 'promoted' | 'rolled-back' | 'superseded';
  step: number;
  /** A principal, or `registry`. */
  by: string;
  text: string;
  stableFigures?: RolloutFigures;
  figures?: RolloutFigures;
  checks: RolloutCheck[];
}

export interface RolloutDetail extends Rollout {
  /** The oldest first. */
  history: RolloutEntry[];
  /** Mirrored calls that both answered in different ways, the newest first, at most 50, for seven days; for who may read runs. */
  pairs?: RolloutPair[];
}

export interface RolloutQuery extends ListQuery {
  agent?: string | undefined;
  version?: number | undefined;
  status?: RolloutStatus | undefined;
}

/** `/rollouts`: versions of agents that take the place of others. */
export class Rollouts {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** The newest first. */
  list(query: RolloutQuery = {}, options: RequestOptions = {}): Pages<Rollout> {
    return new Pages(this.#http, '/rollouts', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<RolloutDetail> {
    return this.#http.json({ method: 'GET', path: path`/rollouts/${id}`, ...options });
  }

  /** Rolls out a version that is there already. Applying a manifest with `spec.rollout` does so by itself. */
  start(wish: { agent: string; version: number }, options: RequestOptions = {}): Promise<{ resource: Rollout }> {
    return this.#http.json({ method: 'POST', path: '/rollouts', body: wish, ...options });
  }

  /** Holds it at its step: nothing follows from what is measured. */
  pause(id: string, body: { reason?: string | undefined } = {}, options: RequestOptions = {}): Promise<{ resource: Rollout }> {
    return this.#http.json({ method: 'POST', path: path`/rollouts/${id}/pause`, body, ...options });
  }

  /** Lets one that is paused go on. */
  resume(id: string, body: { reason?: string | undefined } = {}, options: RequestOptions = {}): Promise<{ resource: Rollout }> {
    return this.#http.json({ method: 'POST', path: path`/rollouts/${id}/resume`, body, ...options });
  }

  /** Makes the new version the current one now, whatever the measures say. */
  promote(id: string, body: { reason?: string | undefined } = {}, options: RequestOptions = {}): Promise<{ resource: Rollout }> {
    return this.#http.json({ method: 'POST', path: path`/rollouts/${id}/promote`, body, ...options });
  }

  /** Sends all calls to the stable version again, now. */
  abort(id: string, body: { reason?: string | undefined } = {}, options: RequestOptions = {}): Promise<{ resource: Rollout }> {
    return this.#http.json({ method: 'POST', path: path`/rollouts/${id}/abort`, body, ...options });
  }
}
