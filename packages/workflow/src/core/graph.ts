import type { ApprovalPolicy } from './approval.ts';
import type { BudgetPolicy, Limits } from './budget.ts';
import type { Json } from './json.ts';
import type { LimitPolicy, RunLimits } from './limits.ts';
import type { LlmPolicy } from './llm.ts';
import type { RepeatPolicy } from './repeat.ts';

/** Bounds of one run. Each keeps one run from taking more of its owner than a share. */
export const bounds = {
  /** Steps of one workflow. */
  steps: 500,
  /** Items of one `forEach`. */
  items: 10_000,
  /** Units (steps and items) of one run. */
  units: 100_000,
  /** How deep workflows may start workflows: what starts itself ends here. */
  depth: 16,
  /** Bytes of one output that an expression makes; a task's output is bounded by its message. */
  outputBytes: 1_048_576,
  /** Bytes of all outputs of one run: they stay in memory while it lives. */
  runBytes: 67_108_864,
  /** Signals of one run, those that no step waits for included. */
  signals: 1_000,
  /** Attempts of one step with one agent. */
  attempts: 100,
} as const;

/** A failure that a step with `onError: continue` went on from; `index` of the item, null for a step without items. */
export type StepError = { index: number | null; code: string; detail: string };

/** What an expression can see. */
export interface Scope {
  input: Json;
  steps: Record<string, { output: Json; status: string; errors: StepError[] }>;
  /** `status` and `error` are there once the main graph has ended: for what undoes it, and for `finally`. */
  run: { id: string; workflow: string; startedAt: string; status?: string; error?: { code: string; detail: string } | null };
  item?: Json;
  /** Of the item or the turn. */
  index?: number;
  /** Of a step that is done in turns: those before this one, and what the last of them gave, null before the first. */
  turns?: TurnSaid[];
  last?: Json;
  /** Of an item that needs others: what those gave, by their keys. */
  results?: Record<string, Json>;
}

/** What a turn gave, and which agent's it was. */
export interface TurnSaid {
  agent?: string;
  output: Json;
}

/** Items that need each other: each has a key, and the keys of those that must be done before it. */
export interface ItemNeeds {
  key: Template;
  needs: Template;
  /** Where the workflow says so. */
  pointer: string;
}

/** A compiled expression or a tree of them: pure, and ends. Throws `ExpressionError` for what cannot be computed. */
export type Template = (scope: Scope) => Json;

/** An expression that could not be computed; `pointer` says where it stands in the workflow file. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  constructor(
    message: string,
    readonly pointer: string,
    readonly code: 'invalid' | 'limited' = 'invalid',
  ) {
    super(message);
  }
}

/** When and how often a failed attempt is followed by another. */
export interface RetryPolicy {
  /** Attempts with one agent, the first included. */
  attempts: number;
  initialMs: number;
  factor: number;
  maxMs: number;
  /** Codes that end the step at once. Absent: only those of `transient` are tried again. */
  nonRetryable?: readonly string[];
}

/** Which agents may take a step over, and when. */
export interface FailoverPolicy {
  /** By name, in this order. Absent: whoever has the step's skill. */
  to?: readonly string[];
  /** An attempt that nobody could begin for so long, in milliseconds, goes to another agent. */
  afterMs: number;
}

/** What stands in for what an agent would have given, where nobody can do its step. */
export interface UnavailablePolicy {
  /** Absent: the step, or the item, is skipped. */
  use?: Template;
  /** How long nobody could begin an attempt, in milliseconds. */
  afterMs: number;
}

/** What a step can be; each is a machine over the primitives task, timer, signal and child run. */
export type StepKind = 'agent' | 'tool' | 'artifact' | 'state' | 'workflow' | 'value' | 'wait' | 'approval' | 'llm';

/** One step of a compiled workflow. Its place in `Graph.steps` is its id. */
export interface GraphStep {
  id: number;
  key: string;
  /** What people see in place of the key. */
  label?: string;
  kind: StepKind;
  /** The steps that must have ended before this one begins. */
  needs: readonly number[];
  /** The steps that wait for this one. */
  dependents: readonly number[];
  condition?: (scope: Scope) => boolean;
  items?: (scope: Scope) => Json[];
  /** The step, one of `needs`, whose outputs are the items: each is begun as soon as it is there. */
  stream?: number;
  itemNeeds?: ItemNeeds;
  /** The step is done in turns, one after another. */
  repeat?: RepeatPolicy;
  /** Which of `agents` does each item or turn, where `target` does not say. */
  chooses?: { agent: Template; agents: readonly string[] };
  maxParallel: number;
  /** The agent, `server/tool`, workflow, artifact or model that does the work; empty for a value, a wait and an approval. */
  target: string;
  skill?: string;
  /** The version of the agent that does it. Absent: whichever is there. */
  version?: number;
  /** Another agent, or of an `llm` step another model, tried when the attempts with the first are used up. */
  fallback?: string;
  /** Of an agent's step: who may go on where its agent cannot. */
  failover?: FailoverPolicy;
  /** Of an agent's step: what stands in where nobody can do it. */
  unavailable?: UnavailablePolicy;
  /**
   * The input of a task or child run, the value of a value step, what a wait waits for (see `waitOf`), what an approval asks (`askOf`), or what
   * an `llm` step is asked.
   */
  input: Template;
  /** Of an approval, and of nothing else. */
  approval?: ApprovalPolicy;
  /** Of an `llm` step, and of nothing else. */
  llm?: LlmPolicy;
  retry: RetryPolicy;
  /** How long one attempt may take once it was accepted. */
  timeoutMs: number;
  /** What the last failure of a unit leads to: the end of the run, or nothing but `errors` for those who look. */
  onError: 'fail' | 'continue';
  /** How many of so many items may fail for good before the step does. */
  maxFailures?: (items: number) => number;
  /** Other bounds of a unit's time, in milliseconds. `queueMs`: of an attempt, from queued until accepted; `startMs`: from when it was first
   * handed to an executor until accepted; `totalMs`: of all attempts and waits together. */
  timeouts?: { queueMs?: number; startMs?: number; totalMs?: number };
  /** What follows when the executor of an attempt was lost. Absent: another attempt, as `retry` allows. */
  onCrash?: 'fail' | 'ask';
  /** By name. */
  limits?: readonly LimitPolicy[];
  /** From 1 (goes first) to 5. */
  priority?: number;
  /** Absent in the main graph. `undo`: takes back what another step did; `finally`: runs at the end, whatever that is. */
  part?: 'undo' | 'finally';
  /** It was in a definition that the run began with, never began, and is in the present one no more: its id stands for nothing. */
  isRemoved?: true;
  /** Of an `undo`: the step that it takes back, item by item. */
  undoes?: number;
  /** What all its items, turns and child runs may use together. */
  budget?: BudgetPolicy;
  /** What one attempt by an agent, or one child run, can use at most. */
  most?: Limits;
}

/** A workflow, compiled: integer ids, edges both ways, expressions as functions. */
export interface Graph {
  name: string;
  /** `sha256:…` of the manifest's specification. */
  hash: string;
  steps: readonly GraphStep[];
  output: Template;
  timeoutMs: number;
  /** Of its steps that have none of their own. */
  priority?: number;
  /** Present when a step can be undone: after which ends that is done, and how long it may take. */
  undo?: { on: readonly ('failed' | 'cancelled')[]; timeoutMs: number };
  /** Present when there are steps of `finally`: how long they may take. */
  finally?: { timeoutMs: number };
  /** What a run may use. */
  budget?: BudgetPolicy;
  /** What a run needs places of before it begins. */
  runLimits?: RunLimits;
}

/** Whether the run goes on after a unit of this step has failed for good: so does all that undoes and tidies up. */
export function goesOn({ onError, part }: GraphStep): boolean {
  return onError === 'continue' || part !== undefined;
}

/** Codes that a step without a policy of its own is tried again for: nothing was refused and nothing is wrong with the input. */
export const transient: readonly string[] = ['unavailable', 'limited'];

/** Codes that the same input meets again, whoever asks. */
export const permanent: readonly string[] = ['invalid', 'unauthenticated', 'forbidden', 'not_found', 'cancelled'];

/** The policy of a step that names none. */
export const defaultRetry: RetryPolicy = { attempts: 3, initialMs: 500, factor: 2, maxMs: 30_000 };

/** Whether `policy` lets a failure with `code` be followed by another attempt, `tries` having been made. */
export function mayRetry(policy: RetryPolicy, code: string, tries: number): boolean {
  if (tries >= policy.attempts) return false;
  return policy.nonRetryable === undefined ? transient.includes(code) : !policy.nonRetryable.includes(code);
}

/** How long to wait before the next attempt: exponential, with half of it by chance (`random` in [0, 1)), never before `atLeastMs`. */
export function backoffMs(policy: RetryPolicy, tries: number, random: number, atLeastMs = 0): number {
  const full = Math.min(policy.maxMs, policy.initialMs * policy.factor ** Math.max(0, tries - 1));
  return Math.round(Math.max(atLeastMs, full / 2 + (full / 2) * random));
}

/** The models whose price a run has to know, because a budget limits what it costs. */
export function pricedModels({ steps, budget }: Graph, isAll = budget?.limit.costUsd !== undefined): string[] {
  const models = steps.flatMap(({ llm, target, fallback, budget: own }) => {
    if (llm === undefined || !(isAll || own?.limit.costUsd !== undefined)) return [];
    const cheaper = [budget, own].flatMap((policy) => (policy?.onLimit.do === 'model' ? [policy.onLimit.model] : []));
    return [target, ...(fallback === undefined ? [] : [fallback]), ...cheaper];
  });
  return [...new Set(models)];
}

/** The agents that its steps name, as their own, as their fallback, or for their model to call. */
export function agentsOf({ steps }: Pick<Graph, 'steps'>): string[] {
  const named = steps.flatMap(({ kind, target, fallback, failover, llm, chooses }) => {
    if (llm !== undefined) return llm.tools.flatMap((tool) => ('agent' in tool ? [tool.agent] : []));
    if (chooses !== undefined) return chooses.agents.concat(fallback ?? [], failover?.to ?? []);
    return (kind === 'agent' ? [target] : []).concat(fallback ?? [], failover?.to ?? []);
  });
  return [...new Set(named)];
}
