import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, JsonSchema, Labels, Manifest } from './schema.ts';
import type { Stage } from './stages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** One thing that an agent is asked, and what is expected of it. */
export interface EvalCase {
  name?: string;
  /** `{}` if absent. */
  input?: unknown;
  expected?: unknown;
  labels?: Labels;
}

interface GraderBase {
  /** Its type if absent, or the agent that grades. */
  name?: string;
  /** Among the other graders; 1 if absent. */
  weight?: number;
}

/** What judges an answer, or the part of it at the JSON Pointer `path`. */
export type Grader =
  | (GraderBase & { type: 'exact'; path?: string })
  | (GraderBase & { type: 'schema'; path?: string; schema: JsonSchema })
  | (GraderBase & { type: 'regex'; path?: string; pattern: string })
  | (GraderBase & { type: 'cel'; expression: string })
  | (GraderBase & { type: 'agent'; agent: string; skill?: string; rubric?: string });

/** `spec` of a manifest of kind EvalSuite. */
export interface EvalSuiteSpec {
  skill?: string;
  cases?: EvalCase[];
  /** In place of cases: what the agent was asked in runs, asked again, or whole runs, done again with it; both answers are graded. */
  recorded?: { calls?: number; runs?: number; onDivergence?: 'end' | 'reuse'; days?: number; repeatable?: true };
  graders: Grader[];
  /** The least score of an attempt that passes; 1 if absent. */
  passScore?: number;
  /** How often each case is put; 1 if absent. */
  repeats?: number;
  maxParallel?: number;
  timeout?: string | number;
  totalTimeout?: string | number;
  confidence?: 0.9 | 0.95 | 0.99;
  budget?: { tokens?: number; costUsd?: number };
  usesAtMost?: { tokens?: number; costUsd?: number };
}

/** Cases and graders: what an agent is to be good at, and how that is told. */
export interface EvalSuite {
  name: string;
  description: string;
  labels: Labels;
  skill?: string;
  /** How many. */
  cases: number;
  /** They are calls that runs made, or runs: at most so many. */
  isRecorded?: boolean;
  /** Their names. */
  graders: string[];
  repeats: number;
  version: number;
  hash: string;
  updatedAt: string;
}

/** A figure, and between which values it lies with the confidence of the eval. */
export interface EvalInterval {
  value: number;
  low: number;
  high: number;
}

/** What an eval found out. Scores and rates are from 0 to 1. */
export interface EvalResult {
  score: EvalInterval;
  passRate: EvalInterval;
  attempts: number;
  passed: number;
  /** Attempts that the agent itself failed. */
  errors: number;
  /** Of recorded runs that were done again: those that asked what was not recorded. They are in no other figure. */
  diverged?: number;
  latencyP50Ms?: number;
  latencyP95Ms?: number;
  usage: { inputTokens: number; outputTokens: number; costUsd: number };
  graders: { grader: string; score: number; version?: number }[];
  /** Against the version at the stage, or what was recorded; absent: `note` says why. */
  comparison?: {
    eval?: string;
    version?: number;
    stage?: Stage;
    before: number;
    change: EvalInterval;
    pValue: number;
    verdict: 'better' | 'worse' | 'same';
  };
  note?: string;
}

export type EvalStatus = 'running' | 'succeeded' | 'failed' | 'cancelled';

/** A suite put to one version of an agent. */
export interface Eval {
  id: string;
  suite: string;
  suiteVersion: number;
  agent: string;
  version: number;
  /** `succeeded`: every answer was graded, however well; `failed`: it could not be told how good the version is. */
  status: EvalStatus;
  reason?: string;
  /** The run that makes the calls: cancelling it cancels the eval. */
  run?: string;
  cases: number;
  repeats: number;
  confidence: number;
  against: Stage;
  result?: EvalResult;
  evidence?: string;
  by: string;
  byName: string;
  createdAt: string;
  endedAt?: string;
}

/** `diverged`: the run that was done again asked what was not recorded, and says nothing of the agent. */
export type EvalOutcome = 'passed' | 'failed' | 'error' | 'diverged';

/** One case, put once. */
export interface EvalAttempt {
  case: string;
  /** Of the repeats of the case, from 1. */
  repeat: number;
  labels: Labels;
  outcome: EvalOutcome;
  score: number;
  grades: { grader: string; score: number; reason?: string }[];
  /** Why the agent failed it, or where it diverged. */
  error?: string;
  durationMs?: number;
  input: unknown;
  expected?: unknown;
  /** As JSON, its first 2,000 characters. */
  output: string;
  /** The recorded run, done again; absent where it was a call alone. */
  run?: string;
}

export interface EvalWish {
  suite: string;
  agent: string;
  /** Absent: the current one. */
  version?: number | undefined;
  /** Absent: as the suite says. */
  repeats?: number | undefined;
  /** The stage whose version it is compared with; `production` if absent. */
  against?: Stage | undefined;
}

export interface EvalQuery extends ListQuery {
  suite?: string | undefined;
  agent?: string | undefined;
  version?: number | undefined;
  status?: EvalStatus | undefined;
}

/** `/eval-suites`: what agents are to be good at. */
export class EvalSuites {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<EvalSuite> {
    return new Pages(this.#http, '/eval-suites', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<EvalSuite & { manifest: Manifest<EvalSuiteSpec> }> {
    return this.#http.json({ method: 'GET', path: path`/eval-suites/${name}`, ...options });
  }

  /** Creates the suite or makes its next version. */
  apply(manifest: Manifest<EvalSuiteSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<EvalSuite>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/eval-suites/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  /** Deletes it with its evals; evidence stays. */
  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/eval-suites/${name}`, ...options });
  }
}

/** `/evals`: suites put to versions of agents. */
export class Evals {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** Starts one: a run makes the calls, and what it finds out becomes evidence for the version. */
  start(wish: EvalWish, options: RequestOptions = {}): Promise<Eval> {
    return this.#http.json({ method: 'POST', path: '/evals', body: wish, ...options });
  }

  /** The newest first. */
  list(query: EvalQuery = {}, options: RequestOptions = {}): Pages<Eval> {
    return new Pages(this.#http, '/evals', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<Eval> {
    return this.#http.json({ method: 'GET', path: path`/evals/${id}`, ...options });
  }

  /** The graded attempts of one that has ended, in order of the cases. */
  attempts(id: string, query: ListQuery & { outcome?: EvalOutcome[] | undefined } = {}, options: RequestOptions = {}): Pages<EvalAttempt> {
    return new Pages(this.#http, path`/evals/${id}/attempts`, query, options);
  }
}
