import type { Graph, GraphStep } from './graph.ts';
import { newStep, type RunState, type StepState, type UnitStatus } from './state.ts';

/** A place where a run cannot go over to another definition; `step` is null where the run as a whole cannot. */
export interface Incompatibility {
  step: string | null;
  because: string;
}

/** What of a run another definition must have too: steps that have begun, and those that have ended, which the journal names by their ids. */
export function hasBegun(state: RunState, s: number): boolean {
  return state.steps[s]?.status !== 'pending' && state.graph.steps[s]?.isRemoved !== true;
}

/**
 * Why a run cannot go over to another definition of its workflow; empty where it can. A step that has begun must be there, of the same kind, with
 * items or without as before, and need nothing that has not ended.
 */
export function incompatibilities(state: RunState, to: Graph): Incompatibility[] {
  const whole = wholeRun(state, to);
  if (whole !== undefined) return [{ step: null, because: whole }];
  const byKey = new Map(to.steps.map((step) => [step.key, step]));
  return state.graph.steps.flatMap((step, s) => {
    if (!hasBegun(state, s)) return [];
    const because = whyNot(state, step, byKey.get(step.key), to);
    return because === undefined ? [] : [{ step: step.key, because }];
  });
}

function wholeRun({ status, ending, graph, counterfactual }: RunState, to: Graph): string | undefined {
  if (status === 'created') return 'the run has not started';
  if (status !== 'running') return `the run has ${status === 'cancelled' ? 'been cancelled' : status}`;
  if (ending !== undefined) return 'the run is ending: what it did is undone, or its steps of finally run';
  if (counterfactual !== undefined) return 'it goes by a recorded run';
  return to.name === graph.name ? undefined : `it is of the workflow ${to.name}, not ${graph.name}`;
}

function whyNot(state: RunState, before: GraphStep, after: GraphStep | undefined, to: Graph): string | undefined {
  const { status } = state.steps[before.id] as StepState;
  const how = status === 'open' ? 'has begun' : `was ${status === 'succeeded' || status === 'failed' ? 'done' : status}`;
  if (after === undefined) return `it ${how}, and is not there any more`;
  if (after.part !== before.part) return `it ${how}, and is now a step of ${after.part ?? 'the main part'}`;
  if (after.kind !== before.kind) return `it ${how} as ${before.kind}, and is now ${after.kind}`;
  const shapes = [shapeOf(before), shapeOf(after)];
  if (shapes[0] !== shapes[1]) return `it ${how} ${shapes[0]}, and is now done ${shapes[1]}`;
  const unended = after.needs
    .map((need) => to.steps[need] as GraphStep)
    .filter(({ id, key }) => id !== after.stream && !isKeyOver(state, key));
  if (unended.length === 0) return undefined;
  return `it ${how}, and now needs ${unended.map(({ key }) => key).join(', ')}, which ${unended.length === 1 ? 'has' : 'have'} not ended`;
}

function shapeOf({ items, stream, repeat }: GraphStep): string {
  if (repeat !== undefined) return 'in turns';
  if (stream !== undefined) return 'for each item as it comes';
  return items === undefined ? 'once' : 'for each item';
}

function isKeyOver({ graph, steps }: RunState, key: string): boolean {
  const s = graph.steps.findIndex((step) => step.key === key && step.isRemoved !== true);
  return s >= 0 && isStepOver(steps[s] as StepState);
}

function isStepOver({ status }: StepState): boolean {
  return status !== 'pending' && status !== 'open';
}

/**
 * The definition as the run goes on by it: steps that have begun keep their ids and are done as they began, all others are those of `to`, in the ids
 * that are left. An id for which `to` has no step stands for nothing.
 */
export function alignedTo(state: RunState, to: Graph): Graph {
  const { graph } = state;
  const ids = idsIn(state, to);
  const length = Math.max(-1, ...ids.values()) + 1;
  const idOf = (old: number): number => ids.get((to.steps[old] as GraphStep).key) as number;
  const steps: Omit<GraphStep, 'dependents'>[] = Array.from({ length }, (_, id) => removedStep(id, graph.steps[id]));
  for (const step of to.steps) {
    const id = idOf(step.id);
    const before = graph.steps[id];
    if (before?.key === step.key && hasBegun(state, id)) {
      steps[id] = { ...before, ...(step.label !== undefined && { label: step.label }) };
      continue;
    }
    const { undoes, stream, items } = step;
    const done = undoes === undefined ? undefined : graph.steps[idOf(undoes)];
    const isDone = done !== undefined && undoes !== undefined && done.key === to.steps[undoes]?.key && hasBegun(state, done.id);
    steps[id] = {
      ...step,
      id,
      needs: step.needs.map(idOf),
      ...(undoes !== undefined && { undoes: idOf(undoes) }),
      ...(stream !== undefined && { stream: idOf(stream) }),
      // What is undone has the items that it had when it was done.
      ...(isDone && items !== undefined && done.items !== undefined && { items: done.items }),
    };
  }
  const dependents: number[][] = steps.map(() => []);
  for (const { id, needs } of steps) for (const need of needs) dependents[need]?.push(id);
  return { ...to, steps: steps.map((step) => ({ ...step, dependents: dependents[step.id] as number[] })) };
}

/** The id of each step of `to` in the run: its own where it has begun or that is free, else the first that is. */
function idsIn(state: RunState, to: Graph): Map<string, number> {
  const before = new Map(state.graph.steps.map(({ key }, id) => [key, id]));
  const ids = new Map<string, number>();
  const taken = new Set([...state.steps.keys()].filter((s) => hasBegun(state, s)));
  for (const { key } of to.steps) {
    const id = before.get(key);
    if (id === undefined || (!hasBegun(state, id) && taken.has(id))) continue;
    ids.set(key, id);
    taken.add(id);
  }
  let next = 0;
  for (const { key } of to.steps) {
    if (ids.has(key)) continue;
    while (taken.has(next)) next++;
    ids.set(key, next);
    taken.add(next);
  }
  return ids;
}

function removedStep(id: number, before: GraphStep | undefined): Omit<GraphStep, 'dependents'> {
  return {
    id,
    key: before?.key ?? '',
    kind: 'value',
    needs: [],
    maxParallel: 1,
    target: '',
    input: () => null,
    retry: { attempts: 1, initialMs: 0, factor: 1, maxMs: 0 },
    timeoutMs: 0,
    onError: 'continue',
    isRemoved: true,
  };
}

/** Makes `state` go on by `to`, with which it is compatible. */
export function goOverTo(state: RunState, to: Graph, timeoutMs: number): void {
  const graph = alignedTo(state, to);
  const before = state.steps;
  const kept = graph.steps.map((step, s) => step.isRemoved !== true && state.graph.steps[s]?.key === step.key && hasBegun(state, s));
  state.graph = graph;
  state.timeoutMs = timeoutMs;
  state.steps = graph.steps.map((step, s) => (kept[s] === true ? (before[s] as StepState) : newStep(step)));
  graph.steps.forEach(({ needs, stream, isRemoved }, s) => {
    const step = state.steps[s] as StepState;
    if (isRemoved === true) return remove(step);
    if (kept[s] === true) return;
    step.missing = needs.filter((need) => need !== stream && !isStepOver(state.steps[need] as StepState)).length;
    step.skippedNeeds = needs.filter((need) => state.steps[need]?.status === 'skipped').length;
  });
  state.left = state.steps.filter((step, s) => graph.steps[s]?.part === undefined && !isStepOver(step)).length;
  state.units = state.steps.reduce((sum, { units }) => sum + units.length, 0);
}

function remove(step: StepState): void {
  step.status = 'skipped';
  step.left = 0;
  for (const unit of step.units) unit.status = 'skipped' satisfies UnitStatus;
}
