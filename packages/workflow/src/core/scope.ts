import type { Failure } from './events.ts';
import { bounds, ExpressionError, type GraphStep, type ItemNeeds, type Scope, type StepKind } from './graph.ts';
import { sizeOf, type Json } from './json.ts';
import { llmInput } from './conversation.ts';
import { workOfGrown } from './llm.ts';
import { turnScope, turnsOf } from './repeat.ts';
import { unitOf, type RunState, type StepState } from './state.ts';

/** The input of a unit's task or child run, computed from recorded outputs. Throws `ExpressionError`. */
export function inputOf(state: RunState, s: number, i: number): Json {
  const step = state.graph.steps[s] as GraphStep;
  const current = state.steps[s] as StepState;
  const value =
    step.kind === 'llm'
      ? llmInput(step, current, i, () => step.input(scopeOf(state, s, -1)), isCounted(state, current), targetOf(state, s, i))
      : step.input(scopeOf(state, s, i));
  if (sizeOf(value, bounds.outputBytes) > bounds.outputBytes) {
    throw new ExpressionError(`the input of ${step.key} is larger than ${bounds.outputBytes} bytes`, `/spec/steps/${step.key}`, 'limited');
  }
  return value;
}

/** Whether a budget limits what a step may use. */
function isCounted({ budget }: RunState, step: StepState): boolean {
  return step.budget !== undefined || (budget !== undefined && Object.keys(budget.limit).length + budget.above.size > 0);
}

/** The agent, tool, workflow, artifact or model of a unit: the step's own, the fallback that took over, or what a model called. */
export function targetOf(state: RunState, s: number, i: number): string {
  return workOf(state, s, i).target;
}

/** Who does a unit, and which version of an agent where that matters. */
export interface Work {
  kind: StepKind | 'model';
  target: string;
  skill?: string;
  version?: number;
}

/** Who does a unit. The agent that a recorded run is done again with is called at that version. */
export function workOf(state: RunState, s: number, i: number): Work {
  const work = workAt(state, s, i);
  const { agent, version } = state.counterfactual ?? {};
  return version !== undefined && work.kind === 'agent' && work.target === agent ? { ...work, version } : work;
}

function workAt(state: RunState, s: number, i: number): Work {
  const step = state.graph.steps[s] as GraphStep;
  const called = workOfGrown(state.steps[s]?.grown?.[i]);
  if (called !== undefined) return called;
  const unit = unitOf(state, s, i);
  const target = unit?.agent ?? unit?.chosen ?? step.target;
  return {
    kind: step.kind === 'llm' ? 'model' : step.kind,
    target,
    ...(step.skill !== undefined && { skill: step.skill }),
    ...(step.version !== undefined && { version: step.version }),
  };
}

/** `analyse`, or `analyse[3]` for an item. */
export function keyOf(state: RunState, s: number, i: number): string {
  const { key } = state.graph.steps[s] as GraphStep;
  return i < 0 ? key : `${key}[${i}]`;
}

/** What the expressions of a unit see. What undoes an item sees the output of that item as the output of its step. */
export function scopeOf(state: RunState, s: number, i: number): Scope {
  const compiled = state.graph.steps[s] as GraphStep;
  const scope = compiled.part === undefined ? state.scope : scopeAtEnd(state);
  if (i < 0) return scope;
  const step = state.steps[s] as StepState;
  if (compiled.repeat !== undefined) return { ...scope, ...turnScope(compiled, step, i) };
  const item = { item: itemOf(state, s, i, scope), index: i };
  if (compiled.itemNeeds !== undefined) return { ...scope, ...item, results: resultsOf(state, s, i, compiled.itemNeeds) };
  if (compiled.undoes === undefined) return { ...scope, ...item };
  const { key } = state.graph.steps[compiled.undoes] as GraphStep;
  const { output = null } = unitOf(state, compiled.undoes, i) ?? {};
  return { ...scope, ...item, steps: { ...scope.steps, [key]: { output, status: 'succeeded', errors: [] } } };
}

/** An item: what the unit of another step gave, or an entry of the list, which is computed again where it is not there. */
function itemOf(state: RunState, s: number, i: number, scope: Scope): Json {
  const { stream, undoes = s, items } = state.graph.steps[s] as GraphStep;
  const from = stream ?? (state.graph.steps[undoes] as GraphStep).stream;
  if (from !== undefined) return streamed(state, from, i);
  const step = state.steps[s] as StepState;
  step.items ??= items?.(scope) ?? [];
  return step.items[i] ?? null;
}

/** What unit `i` of a step adds to the list that others stream. */
function streamed({ graph, steps }: RunState, s: number, i: number): Json {
  const step = graph.steps[s] as GraphStep;
  const state = steps[s] as StepState;
  if (step.repeat !== undefined) return turnsOf(step, state, i + 1).at(-1) as unknown as Json;
  return state.units[i]?.output ?? null;
}

/** What the items gave that item `i` needs, by their keys. */
function resultsOf(state: RunState, s: number, i: number, { key }: ItemNeeds): Record<string, Json> {
  const { gate, units } = state.steps[s] as StepState;
  const results = (gate?.needs[i] ?? []).map((need): [string, Json] => {
    const name = key({ ...state.scope, item: itemOf(state, s, need, state.scope), index: need });
    return [name as string, units[need]?.output ?? null];
  });
  return Object.fromEntries(results);
}

function scopeAtEnd({ scope, ending }: RunState): Scope {
  const error = ending?.error;
  const told = error === undefined ? null : { code: error.code, detail: error.detail };
  return { ...scope, run: { ...scope.run, status: ending?.status ?? 'running', error: told } };
}

export function bounded(value: Json, pointer: string): Json {
  if (sizeOf(value, bounds.outputBytes) <= bounds.outputBytes) return value;
  throw new ExpressionError(`what this gives is larger than ${bounds.outputBytes} bytes`, pointer, 'limited');
}

/** The value, or as a failure why an expression has none. */
export function guarded<T>(compute: () => T): { value: T } | { error: Failure } {
  try {
    return { value: compute() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const isLimit = error.pointer.startsWith('limits.');
    const next = isLimit ? 'Raise it, or make the task smaller.' : 'Correct the expression in the workflow and apply it again.';
    return { error: { code: error.code, isFinal: true, detail: `${error.pointer}: ${error.message}`, next } };
  }
}
