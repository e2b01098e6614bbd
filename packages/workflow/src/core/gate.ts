import { ExpressionError, type GraphStep, type ItemNeeds, type Scope } from './graph.ts';
import type { Failure } from './events.ts';
import { isOver, newGate, type Gate, type RunState, type StepState } from './state.ts';

/** Whether a step may begin: all that it needs has ended, or of what it streams from, has items. */
export function isReady({ graph, steps }: RunState, s: number): boolean {
  const step = steps[s] as StepState;
  if (step.status !== 'pending' || step.missing > 0) return false;
  const { stream } = graph.steps[s] as GraphStep;
  const source = stream === undefined ? undefined : (steps[stream] as StepState);
  return source === undefined || source.isFanned || (source.status !== 'pending' && source.status !== 'open');
}

/** Whether a step may get more units: those of what it streams from have not all ended. */
export function mayGrow({ graph, steps }: RunState, s: number): boolean {
  const { stream } = graph.steps[s] as GraphStep;
  return stream !== undefined && steps[stream]?.status === 'open';
}

/** The steps that begin each of their items as soon as this one's is done. */
export function streamsOf({ steps }: RunState['graph'], s: number): number[] {
  return (steps[s] as GraphStep).dependents.filter((dependent) => steps[dependent]?.stream === s);
}

/** The item that begins next; undefined while none may. */
export function nextItem({ units, next, gate }: StepState): number | undefined {
  if (gate !== undefined) return gate.ready[gate.at];
  return next < units.length ? next : undefined;
}

/** A step has items now: some of them may begin. `needs`: of each item those that it needs. */
export function openGate(state: RunState, s: number, needs?: readonly (readonly number[])[]): void {
  const step = state.steps[s] as StepState;
  const { stream } = state.graph.steps[s] as GraphStep;
  if (needs !== undefined) {
    step.gate = newGate(needs);
    needs.forEach((of, i) => of.length === 0 && step.gate?.ready.push(i));
  } else if (stream !== undefined) {
    step.gate = newGate([]);
    state.steps[stream]?.units.forEach(({ status }, i) => isOver(status) && step.gate?.ready.push(i));
  }
}

/** A unit has ended: items that waited for it may begin, but for those that a fork has kept, which are done already. */
export function passGate(state: RunState, s: number, i: number): void {
  if (i < 0) return;
  const letIn = ({ units, gate }: StepState, item: number): void => {
    if ((units[item]?.status ?? 'pending') === 'pending') gate?.ready.push(item);
  };
  for (const stream of streamsOf(state.graph, s)) letIn(state.steps[stream] as StepState, i);
  const step = state.steps[s] as StepState;
  const { gate } = step;
  for (const dependent of gate?.dependents[i] ?? []) {
    const left = ((gate as Gate).missing[dependent] ?? 0) - 1;
    (gate as Gate).missing[dependent] = left;
    if (left === 0) letIn(step, dependent);
  }
}

/** The unit that an item waits for, directly or not: one of the step that it streams from, or of its own that it needs. */
export function unitBefore({ graph, steps }: RunState, s: number, i: number): { s: number; i: number } | undefined {
  for (let at = { s, i }, first = true; at.i >= 0; first = false) {
    const step = steps[at.s] as StepState;
    const { stream } = graph.steps[at.s] as GraphStep;
    const isOpen = (s: number, i: number): boolean => !isOver(steps[s]?.units[i]?.status ?? 'skipped');
    const need = step.units[at.i]?.status === 'pending' ? step.gate?.needs[at.i]?.find((need) => isOpen(at.s, need)) : undefined;
    if (need !== undefined) at = { s: at.s, i: need };
    else if (stream !== undefined && isOpen(stream, at.i)) at = { s: stream, i: at.i };
    else return first ? undefined : at;
  }
  return undefined;
}

/** Why an item cannot be done: one that it needs has failed. */
export function faultOfItem({ units, gate }: StepState, i: number): Failure | undefined {
  const failed = gate?.needs[i]?.find((need) => units[need]?.status !== 'succeeded');
  if (failed === undefined) return undefined;
  return { code: 'cancelled', isFinal: true, detail: `item ${failed}, which it needs, has failed`, next: 'Look at that item.' };
}

/**
 * By each item those that it needs, from what the expressions of `needs` give. Throws `ExpressionError` for keys that are there twice or not at all,
 * and for items that wait for each other.
 */
export function itemNeeds({ key, needs, pointer }: ItemNeeds, scopes: readonly Scope[]): number[][] {
  const fail = (detail: string): never => {
    throw new ExpressionError(detail, pointer);
  };
  const ids = new Map<string, number>();
  scopes.forEach((scope, i) => {
    const name = key(scope);
    if (typeof name !== 'string' || name === '') return fail(`the key of item ${i} is not a text`);
    if (ids.has(name)) return fail(`two items have the key ${name.slice(0, 100)}`);
    ids.set(name, i);
  });
  const all = scopes.map((scope, i) => {
    const names = needs(scope);
    if (!Array.isArray(names)) return fail(`what item ${i} needs is not a list of keys`);
    const found = names.map((name) => {
      const id = typeof name === 'string' ? ids.get(name) : undefined;
      return id ?? fail(`item ${i} needs ${JSON.stringify(name).slice(0, 100)}, which is no item’s key`);
    });
    return [...new Set(found)];
  });
  const circle = inCircle(all);
  if (circle.length > 0) {
    const names = [...ids.keys()];
    fail(
      `items wait for each other: ${circle
        .slice(0, 5)
        .map((i) => names[i]?.slice(0, 100))
        .join(', ')}`,
    );
  }
  return all;
}

/** Items that can never begin, because they need each other or what does. */
function inCircle(needs: readonly (readonly number[])[]): number[] {
  const gate = newGate(needs);
  const done = needs.flatMap((of, i) => (of.length === 0 ? [i] : []));
  for (let at = 0; at < done.length; at++) {
    for (const dependent of gate.dependents[done[at] as number] ?? []) {
      const left = (gate.missing[dependent] as number) - 1;
      gate.missing[dependent] = left;
      if (left === 0) done.push(dependent);
    }
  }
  return gate.missing.flatMap((left, i) => (left > 0 ? [i] : []));
}
