import { followEvents } from './event-stream.ts';
import type { FollowOptions } from './event-stream.ts';
import { Pages } from './pages.ts';
import type { ListQuery, Page } from './pages.ts';
import type { Labels, RunError } from './schema.ts';
import { path } from './transport.ts';
import type { CreateOptions, RequestOptions, Transport } from './transport.ts';

export type RunStatus = 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'cancelled';
export type StepStatus = 'pending' | 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'skipped' | 'cancelled';

export interface Run {
  id: string;
  /** For a call to one agent: `agent/NAME`. */
  workflow: string;
  /** Where another workflow was asked for, which was scaled back to this one. */
  insteadOf?: { workflow: string; because: string };
  workflowHash: string;
  /** Of the definition that it began with, where it went over to another. */
  startedHash?: string;
  status: RunStatus;
  reason: string | null;
  labels: Labels;
  /** Lists leave it out. */
  input?: unknown;
  /** Lists leave it out; null until the run has succeeded. */
  output?: unknown;
  error: RunError | null;
  /** Steps that nobody could do, for which stands in what they declare; absent where there is none. */
  degraded?: { step: string; error: RunError }[];
  /** What could not be undone after it had failed or was cancelled; absent where that is nothing. */
  notUndone?: { step: string; error: RunError }[];
  /** The run that started this one as a step. */
  parent: string | null;
  /** Of a run that was imported: where it was done. Absent of all others. */
  origin?: { run: string; importedBy: string; importedAt: string };
  startedBy: string;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  progress: { total: number; done: number; running: number; waiting: number; failed: number };
  usage: { inputTokens: number; outputTokens: number; costUsd: number };
  /** What limits it; absent in lists, and where nothing does. */
  budgets?: BudgetUse[];
}

/** How one measure of a budget of a run stands. */
export interface BudgetUse {
  /** `run`, `step:KEY`; of a budget above the run, its part of it: `workspace`, `workflow/NAME`, `agent/NAME`. */
  of: string;
  measure: 'tokens' | 'costUsd' | 'steps' | (string & {});
  limit: number;
  spent: number;
  /** Set aside for what is under way. */
  held: number;
  /** Of what is spent: what attempts were taken to have used that did not say it, and what child runs used. */
  unreported: number;
}

/** What going over to another version of its workflow means for a run. */
export interface RunUpgrade {
  outcome: 'upgraded' | 'unchanged' | 'possible' | 'impossible';
  /** Hashes of the definitions. */
  from: string;
  to: string;
  /** Every place that does not fit; `step` is null where that is the run as a whole. */
  obstacles: { step: string | null; because: string }[];
  /** Steps that have begun and are different now: they go on as they began. */
  asBegun: string[];
  changes: { path: string; from?: unknown; to?: unknown }[];
  run: Run;
}

/** One try of a step. */
export interface Attempt {
  number: number;
  status: StepStatus;
  agent: string | null;
  instance: string | null;
  startedAt: string | null;
  endedAt: string | null;
  error: RunError | null;
  /** What it used, where it told. */
  usage?: { inputTokens: number; outputTokens: number; costUsd: number };
  /** The last of what its executor said, the oldest first; of one that is under way, so far. `runs.step` has it. */
  log?: LogLine[];
  /** How many lines came before these, and are not kept. */
  logDropped?: number;
}

/** One line of what an executor said of its work. `fraction`: how much is done, 0 to 1. */
export interface LogLine {
  at: string;
  message: string;
  fraction?: number;
}

/** One step of a run; a `forEach` step is one for each item (`analyse[3]`). */
export interface Step {
  key: string;
  step: string;
  index: number | null;
  kind: 'agent' | 'tool' | 'workflow' | 'artifact' | 'state' | 'value' | 'wait' | 'approval' | 'llm' | (string & {});
  /** `undo` takes back what another step did, `finally` runs when the others have ended. */
  part?: 'main' | 'undo' | 'finally' | (string & {});
  label: string;
  status: StepStatus;
  agent: string | null;
  skill: string | null;
  tool: string | null;
  /** The model that is called, in a turn of a step with `llm`. */
  model?: string | null;
  /** The run that does this step's work, where it is a workflow. */
  child: string | null;
  needs: string[];
  waitingFor: { on: string; because: string }[];
  queuedAt: string | null;
  startedAt: string | null;
  endedAt: string | null;
  onCriticalPath: boolean;
  /** Milliseconds that it could have ended later without the run's ending later; null before its end. */
  slackMs?: number | null;
  attempts: Attempt[];
  /** Cut where it is large (`{ truncated, bytes, preview }`); `runs.step` has all of it. */
  input: unknown;
  output: unknown;
  error: RunError | null;
  /** Why what it declares stands in for its result; absent where that is not so. */
  degraded?: RunError;
  /** What its attempts used, as far as they told. */
  usage?: { inputTokens: number; outputTokens: number; costUsd: number } | null;
  /** Of a step with `llm`: what all its turns and calls together may use. */
  limits?: { turns: number; tokens: number; costUsd: number | null; timeMs: number } | null;
}

/** One link of the chain of causes of a run that is not going on. */
export interface Cause {
  /** `no-worker`, `limit`, `workers-full`, `breaker`, `retry`, `signal`, `time`, `step`, `child` …; the others are in the REST reference. */
  kind: string;
  run: string;
  /** Null: the run as a whole. */
  step: string | null;
  status: StepStatus | RunStatus;
  /** `agent:NAME`, `step:KEY`, `run:ID`, `signal:NAME` …; null where the step itself is meant. */
  on: string | null;
  because: string;
  /** What to do about it. */
  next: string | null;
  /** When it is over by itself at the latest. */
  until: string | null;
  /** Who has the places that are full. */
  holders: { run: string; step: string; instance: string | null; since: string | null }[];
}

/** Why a run, or one step of it, is not going on. */
export interface Why {
  run: string;
  step: string | null;
  /** From what was asked for to the root cause. */
  chain: Cause[];
  /** What else is open in the run, by kind. */
  open: { kind: string; count: number; step: string }[];
}

export interface RunDetail extends Run {
  steps: Step[];
}

export type RunEventType =
  | 'run.started'
  | 'run.admitted'
  | 'step.queued'
  | 'step.started'
  | 'step.progress'
  | 'step.succeeded'
  | 'step.degraded'
  | 'step.failed'
  | 'step.retrying'
  | 'step.moved'
  | 'step.waiting'
  | 'step.escalated'
  | 'step.reminded'
  | 'step.answered'
  | 'run.signalled'
  | 'run.upgraded'
  | 'run.quarantined'
  | 'run.released'
  | 'step.skipped'
  | 'step.resolved'
  | 'run.ending'
  | 'run.succeeded'
  | 'run.failed'
  | 'run.cancelled'
  | (string & {});

export interface RunEvent {
  seq: number;
  at: string;
  run: string;
  type: RunEventType;
  step?: string;
  attempt?: number;
  agent?: string;
  instance?: string;
  error?: RunError;
  output?: unknown;
  message?: string;
  /** Of `step.progress`: from 0 to 1. */
  fraction?: number;
}

/** Which runs are meant: those that meet all that is given. */
export interface RunFilter {
  workflow?: string | undefined;
  /** Any of these. */
  status?: RunStatus | readonly RunStatus[] | undefined;
  /** Only runs with all of these labels, each as `name=value`. */
  labels?: readonly string[] | undefined;
  /** An agent that a step names. */
  agent?: string | undefined;
  /** ISO 8601, at or after; `…Before`: before. */
  startedAfter?: string | undefined;
  startedBefore?: string | undefined;
  endedAfter?: string | undefined;
  endedBefore?: string | undefined;
  /** US dollars. */
  costMin?: number | undefined;
  costMax?: number | undefined;
  durationMinMs?: number | undefined;
  durationMaxMs?: number | undefined;
  /** The code of the failure that ended it, or of a step's that it went on from. */
  errorCode?: string | undefined;
  failedStep?: string | undefined;
  /** Runs with a failure, by what has become of it. */
  problem?: 'open' | 'replayed' | 'dismissed' | undefined;
  /** Words to look for. */
  q?: string | undefined;
}

export interface RunQuery extends RunFilter, ListQuery {
  /** `newest` if absent; `ended`, `cost` and `duration`: the last, dearest and longest first. */
  sort?: 'newest' | 'oldest' | 'ended' | 'cost' | 'duration' | undefined;
}

/** Runs that failed alike, and that nobody has looked after yet. */
export interface RunProblem {
  errorCode: string;
  workflow: string;
  failedStep: string | null;
  count: number;
  firstAt: string;
  lastAt: string;
  lastRun: string;
  /** What the last one said. */
  detail: string | null;
  next: string | null;
}

/** A run as it stood after one of its events. */
export interface RunState extends RunDetail {
  seq: number;
  /** Of the last event that is recorded. */
  lastSeq: number;
  at: string;
  nextSteps: string | null;
}

/** Where two JSON values differ; a side that is absent has nothing there. */
export interface Difference {
  /** JSON pointer; empty: the whole. */
  pointer: string;
  a?: unknown;
  b?: unknown;
}

/** One step, or item, of one of two runs. */
export interface ComparedSide {
  status: StepStatus;
  durationMs: number | null;
  attempts: number;
  costUsd: number;
  tokens: number;
}

export interface ComparedStep {
  key: string;
  a: ComparedSide | null;
  b: ComparedSide | null;
  isDifferent: boolean;
  input: Difference[];
  output: Difference[];
}

/** Two runs side by side. */
export interface RunComparison {
  a: Run;
  b: Run;
  isSameDefinition: boolean;
  input: Difference[];
  output: Difference[];
  steps: ComparedStep[];
  nextCursor: string | null;
}

/** What a person says of a step whose executor was lost. */
export type StepWord = { action: 'retry' | 'fail' } | { action: 'output'; output: unknown };

/** What a person says of a run that was set aside. */
export type ReleaseAction = 'go-on' | 'fail';

/** Whether a run has ended. */
export function hasEnded(status: RunStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled';
}

const endings: ReadonlySet<string> = new Set(['run.succeeded', 'run.failed', 'run.cancelled']);

/** `/runs`: what runs and ran. */
export class Runs {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: RunQuery = {}, options: RequestOptions = {}): Pages<Run> {
    return new Pages(this.#http, '/runs', query, options);
  }

  /** Failures that nobody has looked after, by reason, the most frequent first. */
  problems(
    query: ListQuery & { workflow?: string | undefined; startedAfter?: string | undefined } = {},
    options: RequestOptions = {},
  ): Pages<RunProblem> {
    return new Pages(this.#http, '/run-problems', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<RunDetail> {
    return this.#http.json({ method: 'GET', path: path`/runs/${id}`, ...options });
  }

  /** The steps page by page: for runs with thousands of them. */
  steps(id: string, query: ListQuery = {}, options: RequestOptions = {}): Pages<Step> {
    return new Pages(this.#http, path`/runs/${id}/steps`, query, options);
  }

  /** One step with its whole input and output. */
  step(id: string, key: string, options: RequestOptions = {}): Promise<Step> {
    return this.#http.json({ method: 'GET', path: path`/runs/${id}/steps/${key}`, ...options });
  }

  /** The run as it stood after the event `seq`, with its first 500 steps; the rest with `cursor`, the answer's `nextSteps`. */
  state(id: string, seq: number, query: { cursor?: string | undefined } = {}, options: RequestOptions = {}): Promise<RunState> {
    return this.#http.json({ method: 'GET', path: path`/runs/${id}/state`, query: { seq, ...query }, ...options });
  }

  /** Two runs side by side, one page of their steps. */
  compare(id: string, other: string, query: ListQuery = {}, options: RequestOptions = {}): Promise<RunComparison> {
    return this.#http.json({ method: 'GET', path: path`/runs/${id}/compare/${other}`, query: { ...query }, ...options });
  }

  /** Why the run is not going on, or this step of it: one chain of causes down to its root. */
  why(id: string, key?: string, options: RequestOptions = {}): Promise<Why> {
    const at = key === undefined ? path`/runs/${id}/why` : path`/runs/${id}/steps/${key}/why`;
    return this.#http.json({ method: 'GET', path: at, ...options });
  }

  /**
   * Stops the run: its open steps are told, and it ends as cancelled once what it did is undone and `finally` has run, where the workflow says so. A second
   * call ends those of `finally` too. `ApiError` 409 when it has ended otherwise.
   */
  cancel(id: string, options: CreateOptions = {}): Promise<Run> {
    return this.#http.json({ method: 'POST', path: path`/runs/${id}/cancel`, creates: true, ...options });
  }

  /** An ended run as a file, its body unread. `ApiError` 409 while it lives. */
  export(id: string, options: RequestOptions = {}): Promise<Response> {
    return this.#http.send({ method: 'GET', path: path`/runs/${id}/export`, accept: 'application/x-ndjson', ...options });
  }

  /** Makes an ended run of such a file, at most 32 MiB, under a new id. `ApiError` 400 for one that was cut or changed, or is of another version. */
  import(file: string | Uint8Array<ArrayBuffer>, options: CreateOptions = {}): Promise<Run> {
    return this.#http.json({
      method: 'POST',
      path: '/runs/import',
      body: file,
      contentType: 'application/x-ndjson',
      creates: true,
      timeoutMs: 90_000,
      ...options,
    });
  }

  /** Deletes an ended run and those that its steps started: all that is recorded of them. `ApiError` 409 while one of them lives. */
  async delete(id: string, options: RequestOptions = {}): Promise<void> {
    await this.#http.json({ method: 'DELETE', path: path`/runs/${id}`, ...options });
  }

  /**
   * Starts a run that keeps what an ended one has done: `from` names steps that are done again with all that follows; without it only what was not done
   * is. `versions`: of agents, by their names, at which they do what is done again. `ApiError` 409 while the run has not ended.
   */
  fork(
    id: string,
    fork: { from?: readonly string[]; input?: unknown; versions?: Readonly<Record<string, number>> } = {},
    options: CreateOptions = {},
  ): Promise<Run> {
    return this.#http.json({ method: 'POST', path: path`/runs/${id}/fork`, body: fork, creates: true, ...options });
  }

  /**
   * Has a live run go on by the version that its workflow has now, or the one with `hash`: what has begun stays as it began. `dryRun` only says what would
   * happen. `ApiError` 409 names each place that does not fit.
   */
  upgrade(id: string, upgrade: { hash?: string; dryRun?: boolean } = {}, options: RequestOptions = {}): Promise<RunUpgrade> {
    return this.#http.json({ method: 'POST', path: path`/runs/${id}/upgrade`, body: upgrade, ...options });
  }

  /**
   * Sends a signal: the step that waits for it goes on, with `data` as its output; if none waits, the next that will. `ApiError` 409 when the run
   * has ended.
   */
  signal(id: string, name: string, data: unknown = null, options: CreateOptions = {}): Promise<Run> {
    return this.#http.json({ method: 'POST', path: path`/runs/${id}/signals/${name}`, body: { data }, creates: true, ...options });
  }

  /**
   * Says what follows a lost attempt of a step with `onCrash: ask`: it is tried again, has failed, or has given `output`. `ApiError` 409 when the step does
   * not wait for that.
   */
  resolve(id: string, key: string, word: StepWord, options: CreateOptions = {}): Promise<Step> {
    return this.#http.json({ method: 'POST', path: path`/runs/${id}/steps/${key}/resolve`, body: word, creates: true, ...options });
  }

  /**
   * Says what follows for a run that was set aside (it waits for the reason `quarantined`): it goes on, or it has failed, and nothing is undone. `ApiError`
   * 409 when it is not set aside.
   */
  release(id: string, action: ReleaseAction, options: RequestOptions = {}): Promise<Run> {
    return this.#http.json({ method: 'POST', path: path`/runs/${id}/release`, body: { action }, ...options });
  }

  /** What was recorded so far, oldest first. */
  events(id: string, query: ListQuery = {}, options: RequestOptions = {}): Pages<RunEvent> {
    return new Pages(this.#http, path`/runs/${id}/events`, query, options);
  }

  /** One page of events. */
  eventPage(id: string, query: ListQuery = {}, options: RequestOptions = {}): Promise<Page<RunEvent>> {
    return this.events(id, query, options).first();
  }

  /** Every event of the run from its start (or behind `lastEventId`), live, each once, until the run has ended. */
  async *follow(id: string, options: FollowOptions = {}): AsyncGenerator<RunEvent> {
    let seen = Number(options.lastEventId ?? -1);
    for await (const { data } of followEvents(this.#http, path`/runs/${id}/events`, undefined, options)) {
      const event = JSON.parse(data) as RunEvent;
      // Progress is live only and has no place of its own in the journal: it may carry the sequence of the event before it.
      if (event.seq <= seen && event.type !== 'step.progress') continue;
      seen = Math.max(seen, event.seq);
      yield event;
      if (endings.has(event.type)) return;
    }
  }

  /** Waits until the run has ended, and gives it. */
  async result(id: string, options: FollowOptions = {}): Promise<RunDetail> {
    const run = await this.get(id, options);
    if (hasEnded(run.status)) return run;
    for await (const event of this.follow(id, options)) void event;
    return this.get(id, options);
  }
}
