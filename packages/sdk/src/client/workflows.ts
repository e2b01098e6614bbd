import { beginRun } from './begin.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Run } from './runs.ts';
import type { Applied, ApplyQuery, JsonSchema, Labels, Manifest } from './schema.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

export interface Workflow {
  name: string;
  description: string | null;
  labels: Labels;
  /** Of its specification: a run keeps the one that it began with. */
  hash: string;
  version: number;
  /** How many steps it has. */
  steps: number;
  input: JsonSchema | null;
  /** Which smaller workflow new runs get while capacity is short; absent: it has none. */
  scaleBack?: {
    to: string;
    afterMs: number;
    restoreMs: number;
    waitOverMs: number | null;
    /** The agents that count; null: those that its steps cannot do without. */
    agents: string[] | null;
    /** Null: runs get what they ask for. `hand`: somebody did it, who also ends it. */
    active: { since: string; because: string; how: 'auto' | 'hand'; by: string } | null;
  };
  createdAt: string;
  updatedAt: string;
}

/** One workflow, with its manifest. */
export interface WorkflowDetail extends Workflow {
  manifest: Manifest<WorkflowSpec>;
}

/** What a workflow was from one change to the next. */
export interface WorkflowVersion {
  version: number;
  /** Of its definition: two versions have the same where only labels or description were changed, or it was reverted. */
  hash: string;
  current: boolean;
  steps: number;
  /** Which version it was reverted to. */
  revertedTo?: number;
  /** Who applied it; empty for what was applied before this was kept. */
  createdBy: string;
  createdAt: string;
}

/** What may be used; never overshot. */
export interface Budget {
  /** In and out together. */
  tokens?: number;
  costUsd?: number;
  /** Attempts of steps, those of child runs included. */
  steps?: number;
  /** Of a run: how long it may take. */
  time?: string | number;
  /** Of a run: how deep below it workflows may start workflows. */
  depth?: number;
  onLimit?:
    | 'stop'
    | 'ask'
    | { model: string }
    | { ask: { by?: { roles?: ('admin' | 'operator')[]; principals?: string[] }; deadline?: string | number } };
}

/** What one attempt can use at most. */
export type UsesAtMost = Pick<Budget, 'tokens' | 'costUsd' | 'steps'>;

/** A model that is asked, calls tools, and is asked again until it answers. */
export interface LlmStep {
  model: string;
  /** Another model, for when the attempts of a turn with the first are used up. */
  fallback?: string;
  instructions?: string;
  prompt?: unknown;
  /** In place of `prompt`: a conversation as the OpenAI API has it. */
  messages?: unknown;
  /** `server/tool`, `server/*`, or an agent. */
  tools?: (string | { agent: string; skill?: string; usesAtMost?: UsesAtMost })[];
  /** Those of `tools` that people approve before each call. */
  approve?: (string | { agent: string; skill?: string })[];
  output?: JsonSchema;
  /** The most output tokens of one turn. */
  maxTokens?: number;
  limits?: { turns?: number; tokens?: number; costUsd?: number; time?: string | number };
  parallelTools?: number;
  /** The most that descriptions of its tools may be, in bytes. */
  toolTokens?: number;
}

/** The items of a step, and what holds of them. */
export interface ForEach {
  items: string | unknown[];
  /** Each item begins as soon as it is there. */
  stream?: boolean;
  /** More items fail the step before any is begun. */
  max?: number;
  /** JSON Schema (draft 7) of an item. */
  schema?: JsonSchema;
  /** The name of an item, and the names of those that must have ended before it. */
  key?: string;
  needs?: string;
}

/** How often a step is repeated, and what ends that. */
export interface Repeat {
  /** 10 if absent. */
  maxTurns?: number;
  until?: string;
  noProgress?: false | { turns?: number; similarity?: number; of?: string };
  onLimit?: 'fail' | 'continue';
}

/** One step of a workflow file. */
export interface WorkflowStep {
  needs?: string[];
  if?: string | boolean;
  forEach?: string | unknown[] | ForEach;
  /** Turns, one after another. */
  repeat?: Repeat;
  maxParallel?: number;
  agent?: string;
  /** Whom `agent` can choose, where it is an expression. */
  agents?: string[];
  skill?: string;
  tool?: string;
  workflow?: string;
  artifact?: unknown;
  value?: unknown;
  wait?: unknown;
  approval?: unknown;
  llm?: LlmStep;
  with?: unknown;
  retry?: { attempts: number; backoff?: { initialMs?: number; factor?: number; maxMs?: number }; nonRetryable?: string[] };
  timeout?: string | number;
  timeouts?: { queue?: string | number; start?: string | number; attempt?: string | number; total?: string | number };
  maxFailures?: number | string;
  onCrash?: 'retry' | 'fail' | 'ask';
  /** What undoes it. */
  compensate?: Pick<
    WorkflowStep,
    'agent' | 'skill' | 'fallback' | 'failover' | 'tool' | 'workflow' | 'with' | 'retry' | 'timeout' | 'timeouts' | 'label' | 'usesAtMost'
  >;
  onError?: 'fail' | 'continue';
  /** The version of the agent that does it; absent: the current one, or of workers whichever is there. */
  version?: number;
  fallback?: string;
  /** Who goes on where the agent cannot: agents by name, or whoever has the step's skill. `after`: how long an attempt waits for its agent. */
  failover?: { to?: string[]; skill?: true; after?: string | number };
  /** What stands in where nobody can do the step: an output, or it is skipped. */
  whenUnavailable?: { use?: unknown; skip?: true; after?: string | number };
  label?: string;
  /** What an attempt needs a place of before it may begin, by name. */
  limits?: Record<string, WorkflowLimit>;
  /** From 1 (goes first) to 5. */
  priority?: number;
  /** What all its items, turns and child runs may use together. */
  budget?: Omit<Budget, 'time' | 'depth'>;
  /** Of an agent or a workflow: what one attempt can use at most. */
  usesAtMost?: UsesAtMost;
}

/** Shared by all steps, or all runs, of the workspace with the same name and key: so many under way at once, so many that begin in a time. */
export interface WorkflowLimit {
  key?: string | number | boolean;
  concurrency?: number;
  rate?: { max: number; per: string | number; burst?: number };
}

/** `spec` of a manifest of kind Workflow. */
export interface WorkflowSpec {
  input?: JsonSchema;
  steps: Record<string, WorkflowStep>;
  outputs?: unknown;
  timeout?: string | number;
  /** How urgent its steps are, from 1 (goes first) to 5; 3 if absent. */
  priority?: number;
  /** What a run needs a place of before it begins, by name; its key is computed from `input` and `labels`. */
  limits?: Record<string, WorkflowLimit>;
  /** What becomes of a start that finds no place free: the run waits (`queue`, if absent), it is refused with `limited`, or the oldest run is cancelled for it (`replace`). */
  onLimit?: 'queue' | 'refuse' | 'replace';
  compensateOn?: ('failed' | 'cancelled')[];
  compensateTimeout?: string | number;
  finally?: Record<string, WorkflowStep>;
  finallyTimeout?: string | number;
  /** How long runs are kept after their end, by how they ended: `12h`, `90d`. */
  retention?: { succeeded?: string; failed?: string; cancelled?: string };
  /** What a run may use, its child runs included. */
  budget?: Budget;
  /** A smaller workflow that new runs get while capacity is short, and when that is. */
  scaleBack?: { to: string; after?: string | number; restoreAfter?: string | number; waitOver?: string | number; agents?: string[] };
}

/** How a run is started. */
export interface Start {
  input?: unknown;
  /** To find the run by. */
  labels?: Labels | undefined;
  /** Ends the run after this time, milliseconds, if the workflow does not do so earlier. */
  timeoutMs?: number | undefined;
  /** How urgent its steps are, from 1 (goes first) to 5; absent: as the workflow says. */
  priority?: number | undefined;
  /** How long to wait for the end before answering; 0 if absent. */
  waitMs?: number | undefined;
}

/** `/workflows`: what can be run. */
export class Workflows {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Workflow> {
    return new Pages(this.#http, '/workflows', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<WorkflowDetail> {
    return this.#http.json({ method: 'GET', path: path`/workflows/${name}`, ...options });
  }

  apply(manifest: Manifest<WorkflowSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Workflow>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/workflows/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  /** What it was, the newest first. The last 200 versions are kept. */
  versions(name: string, query: ListQuery = {}, options: RequestOptions = {}): Pages<WorkflowVersion> {
    return new Pages(this.#http, path`/workflows/${name}/versions`, query, options);
  }

  /** Makes it what it was at an earlier version, as a new version. Runs that live keep the definition they began with. */
  revert(name: string, version: number, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Workflow>> {
    return this.#http.json({ method: 'POST', path: path`/workflows/${name}/revert`, query: { ...query }, body: { version }, ...options });
  }

  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/workflows/${name}`, ...options });
  }

  /** New runs get the smaller workflow that it names, until it is restored. */
  scaleBack(name: string, reason?: string, options: RequestOptions = {}): Promise<Workflow> {
    const body = reason === undefined ? {} : { reason };
    return this.#http.json({ method: 'POST', path: path`/workflows/${name}/scale-back`, body, ...options });
  }

  /** New runs get the workflow itself again. */
  restore(name: string, options: RequestOptions = {}): Promise<Workflow> {
    return this.#http.json({ method: 'POST', path: path`/workflows/${name}/restore`, ...options });
  }

  /** Starts a run. Answers at once, or with the run as it stands after `waitMs` (at most 55,000), or when it has ended; `runs.follow` tells all of it. */
  start(name: string, start: Start = {}, options: CreateOptions = {}): Promise<Run> {
    return beginRun(this.#http, path`/workflows/${name}/runs`, start, options);
  }
}
