import type { Approval } from './approval.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { Counterfactual } from './counterfactual.ts';
import { newAccount, type Account, type Holds, type RunBudget } from './budget.ts';
import type { Failure, InsteadOf, Usage } from './events.ts';
import type { Graph, GraphStep, Scope } from './graph.ts';
import type { Json } from './json.ts';
import type { Told } from './failover.ts';
import type { LimitClaim, LimitKey } from './limits.ts';
import type { Grown } from './llm.ts';
import type { RepeatEnd } from './repeat.ts';
import type { Shortage } from './spending.ts';

/** Where a step, or one item of it, stands. `waiting`: for its next attempt, its child run, a time, a signal or an answer. */
export type UnitStatus = 'pending' | 'queued' | 'running' | 'waiting' | 'succeeded' | 'failed' | 'skipped' | 'cancelled';

/** An attempt that ended without a result. */
export interface AttemptRecord {
  n: number;
  agent: string | undefined;
  instance: string | undefined;
  startedAt: number | undefined;
  endedAt: number;
  error: Failure;
  /** Nobody reported this end: heartbeats were missed or its time was up. A report that comes later is refused. */
  isLost: boolean;
  /** What its executor had said of it, for whoever goes on. */
  told?: Told | undefined;
  /** What it used, where it told. */
  usage?: Usage;
}

/** One execution of a step: the step itself, or one item of its `forEach`. */
export interface UnitState {
  status: UnitStatus;
  /** The current attempt, from 1; 0 before the first. */
  attempt: number;
  /** Attempts made before the current agent's first. */
  base: number;
  /** The agent that took over, when it is not the step's own. */
  agent: string | undefined;
  /** Whom the step chose to do it. */
  chosen: string | undefined;
  /** Agents whose attempts are used up: nothing goes back to them. */
  spent: string[] | undefined;
  /** How often it went from one agent to another. */
  moves: number;
  /** Its agent is used up, and another is looked for. */
  isSeeking: boolean;
  /** What the executor of the current attempt has said of it. */
  told: Told | undefined;
  instance: string | undefined;
  /** Of its agent, where a rollout chose one for the current attempt. */
  version: number | undefined;
  /** The child run that does this unit's work. */
  child: string | undefined;
  queuedAt: number | undefined;
  startedAt: number | undefined;
  endedAt: number | undefined;
  /** When the next attempt is due, or a wait is over. */
  due: number | undefined;
  /** When its first attempt was queued. */
  firstAt: number | undefined;
  /** The signal that a wait waits for. */
  signal: string | undefined;
  /** What is asked of people, and their answer. */
  approval: Approval | undefined;
  /** How its executor was lost: it waits until a person says what follows. */
  crash: Failure | undefined;
  /** The last answer to that, by its id. */
  resolved: string | undefined;
  /** A run that this one was forked from did it, and answers for it. */
  isKept: boolean;
  output: Json | undefined;
  error: Failure | undefined;
  /** Why what its step declares stands in for its result. */
  degraded: Failure | undefined;
  isLost: boolean;
  attempts: AttemptRecord[] | undefined;
  /** What was said of attempts that have ended, by their numbers. */
  logs: ({ n: number } & AttemptLog)[] | undefined;
  /** Of all its attempts, as far as they told. */
  usage: Usage | undefined;
  /** What is set aside for the attempt that is under way. */
  holds: Holds | undefined;
  /** It waits for a budget to have enough for its attempt. */
  short: Shortage | undefined;
}

/** Items that begin when others have ended, in place of one after another. */
export interface Gate {
  /** Those that may begin, in the order in which they could; those before `at` have. */
  ready: number[];
  at: number;
  /** Of each item: the items of the same step that it needs, how many of these have not ended, and who needs it. */
  needs: readonly (readonly number[])[];
  missing: number[];
  dependents: number[][];
}

/** One step of a run. */
export interface StepState {
  status: 'pending' | 'open' | 'succeeded' | 'failed' | 'skipped' | 'cancelled';
  /** Needs that have not ended, but for the step that it streams from. */
  missing: number;
  /** Needs that ended by being skipped. */
  skippedNeeds: number;
  /** Whether the step has items; its units are then the items', else it has one. */
  isFanned: boolean;
  units: UnitState[];
  /** The next item to begin. */
  next: number;
  /** Units that have begun and not ended. */
  open: number;
  /** Units that have not ended. */
  left: number;
  /** Units that have failed for good. */
  failures: number;
  /** What `forEach` gave, computed again from recorded outputs when it is needed and not there. */
  items: Json[] | undefined;
  gate: Gate | undefined;
  /** Of an `llm` step that has begun: what each of its units is. They are fanned, and become more. */
  grown: Grown[] | undefined;
  /** When it first grew. */
  grownAt: number;
  output: Json | undefined;
  /** How its turns came to their end. */
  end: RepeatEnd | undefined;
  /** What it may use, with all its items, turns and child runs. */
  budget: Account | undefined;
}

/** What was signalled to a run. */
export interface Signals {
  /** Every signal's id, with the hash of what it said. */
  ids: Map<string, string>;
  /** By name: the data of those that no step has taken yet, the first first. */
  open: Map<string, Json[]>;
}

/** How the main graph has ended, while what it did is undone and the steps of `finally` run. */
export interface Ending {
  /** Absent for a moment, until the first of them is entered. */
  stage: 'undo' | 'finally' | undefined;
  status: 'succeeded' | 'failed' | 'cancelled';
  reason: string | null;
  output: Json | undefined;
  error: Failure | undefined;
  /** The cancel that ended it, by its id. */
  cancel: string | undefined;
  /** When the stage was entered. */
  since: number;
  /** Whether it came to undoing. */
  isUndone: boolean;
}

/** A run, as its owner holds it in memory. */
export interface RunState {
  run: string;
  graph: Graph;
  status: 'created' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  reason: string | null;
  depth: number;
  parent: { run: string; s: number; i: number } | undefined;
  /** `traceparent`s: see the event `start`. */
  trace: string | undefined;
  link: string | undefined;
  input: Json;
  output: Json | undefined;
  error: Failure | undefined;
  startedAt: number;
  timeoutMs: number;
  /** As its start said. */
  priority: number | undefined;
  /** Places of limits that it needs before it begins, and limits that runs above it have places of. */
  claims: LimitClaim[];
  within: LimitKey[];
  /** What was asked for in its place. */
  insteadOf: InsteadOf | undefined;
  /** When it had them all. */
  admittedAt: number | undefined;
  endedAt: number | undefined;
  /** From the end of the main graph on, where something follows it. */
  ending: Ending | undefined;
  epoch: number;
  /** Why it was set aside, until a person has said what follows. */
  quarantine: string | undefined;
  steps: StepState[];
  /** Steps of the main graph, or of the stage that follows it, that have not ended. */
  left: number;
  /** Units made so far. */
  units: number;
  /** Bytes of all outputs so far. */
  bytes: number;
  /** Of what was said of its attempts. */
  logBytes: number;
  usage: Usage;
  signals: Signals;
  /** What it may use, where anything limits that. */
  budget: RunBudget | undefined;
  /** Units that wait for a budget. */
  short: number;
  /** What it goes by, where it is a recorded run that is done again with a version of an agent. */
  counterfactual: Counterfactual | undefined;
  /** Units whose declared result stands in. */
  degraded: number;
  /** What expressions see; kept up to date by `applyTransition`. */
  scope: Scope;
}

/** A unit that has not begun. */
export function newUnit(): UnitState {
  return {
    status: 'pending',
    attempt: 0,
    base: 0,
    agent: undefined,
    chosen: undefined,
    spent: undefined,
    moves: 0,
    isSeeking: false,
    told: undefined,
    instance: undefined,
    version: undefined,
    child: undefined,
    queuedAt: undefined,
    startedAt: undefined,
    endedAt: undefined,
    due: undefined,
    firstAt: undefined,
    signal: undefined,
    approval: undefined,
    crash: undefined,
    resolved: undefined,
    isKept: false,
    output: undefined,
    error: undefined,
    degraded: undefined,
    isLost: false,
    attempts: undefined,
    logs: undefined,
    usage: undefined,
    holds: undefined,
    short: undefined,
  };
}

/** A gate that no item has passed yet. */
export function newGate(needs: Gate['needs']): Gate {
  const dependents: number[][] = needs.map(() => []);
  needs.forEach((of, i) => {
    for (const need of of) dependents[need]?.push(i);
  });
  return { ready: [], at: 0, needs, missing: needs.map(({ length }) => length), dependents };
}

/** A step that has not begun. */
export function newStep(step: GraphStep): StepState {
  return {
    status: 'pending',
    missing: step.needs.length - (step.stream === undefined ? 0 : 1),
    skippedNeeds: 0,
    isFanned: false,
    units: [newUnit()],
    next: 0,
    open: 0,
    left: 1,
    failures: 0,
    items: undefined,
    gate: undefined,
    grown: undefined,
    grownAt: 0,
    output: undefined,
    end: undefined,
    budget: step.budget && newAccount(step.budget.limit),
  };
}

/** A run before its first event. */
export function newRun(run: string, graph: Graph): RunState {
  return {
    run,
    graph,
    status: 'created',
    reason: null,
    depth: 0,
    parent: undefined,
    trace: undefined,
    link: undefined,
    input: null,
    output: undefined,
    error: undefined,
    startedAt: 0,
    timeoutMs: graph.timeoutMs,
    priority: undefined,
    claims: [],
    within: [],
    insteadOf: undefined,
    admittedAt: undefined,
    endedAt: undefined,
    ending: undefined,
    epoch: 0,
    quarantine: undefined,
    steps: graph.steps.map(newStep),
    left: graph.steps.filter(({ part }) => part === undefined).length,
    units: graph.steps.length,
    bytes: 0,
    logBytes: 0,
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    signals: { ids: new Map(), open: new Map() },
    budget: undefined,
    short: 0,
    counterfactual: undefined,
    degraded: 0,
    scope: { input: null, steps: {}, run: { id: run, workflow: graph.name, startedAt: '' } },
  };
}

/** The unit that `s` and `i` name; undefined when the step has no such item. */
export function unitOf(state: RunState, s: number, i: number): UnitState | undefined {
  const step = state.steps[s];
  return step === undefined || i >= 0 !== step.isFanned ? undefined : step.units[Math.max(0, i)];
}

/** Whether nothing more can happen to a unit in this status. */
export function isOver(status: UnitStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'cancelled';
}

/** Whether the run has ended. */
export function hasEnded(state: RunState): boolean {
  return state.status === 'succeeded' || state.status === 'failed' || state.status === 'cancelled';
}

/** Whether this run has done a unit, so that it may have to be undone. */
export function isToUndo(state: RunState, s: number, i: number): boolean {
  const unit = unitOf(state, s, i);
  return unit?.status === 'succeeded' && !unit.isKept && unit.degraded === undefined;
}

/** Whether anything of a step may have to be undone. */
export function hasToUndo(state: RunState, s: number): boolean {
  const step = state.steps[s];
  return step?.units.some((_, index) => isToUndo(state, s, step.isFanned ? index : -1)) ?? false;
}
