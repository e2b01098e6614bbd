import type { Transition } from './events.ts';
import { goesOn, type Graph, type GraphStep } from './graph.ts';
import { isTold } from './llm.ts';
import type { RunState, StepState, UnitState } from './state.ts';

/**
 * What a new run of the same workflow need not do again of an ended one: every step that is done, was not undone and follows none of `from`,
 * and of the others, where nothing is named, the items that are done. A step that the run went on from although it had failed is done: what follows it
 * went by that. Where nothing is named, what a run that succeeded went on from without is not done either, nor is what follows it; nor is ever what
 * failed a step that its items go to.
 */
export function keptOf(state: RunState, from: readonly number[]): Transition[] {
  const { graph, steps } = state;
  const lacking = from.length === 0 ? lackingIn(state) : [];
  const sources = failedSources(state);
  const behind = (s: number): readonly number[] => graph.steps[s]?.dependents ?? [];
  // Items of a source that failed stay what they are, and so do those that were made of them.
  const beside = sources.flatMap((s) => behind(s).filter((dependent) => graph.steps[dependent]?.stream !== s));
  const again = withDependents(state, [...from, ...undone(state), ...lacking.flatMap(behind), ...beside]);
  const isOpen = new Set([...lacking, ...sources]);
  const isStopped = (s: number): boolean => steps[s]?.status === 'failed' && graph.steps[s]?.onError === 'continue' && !isOpen.has(s);
  const isDone = (s: number): boolean => isStopped(s) || (steps[s]?.status === 'succeeded' && !isOpen.has(s));
  /** What was made of an item that is done again is so too. */
  const isItemKept = (s: number, i: number): boolean => {
    const { status, degraded } = steps[s]?.units[i] as UnitState;
    if (isDone(s)) return status === 'succeeded' || status === 'failed' || degraded !== undefined;
    const { stream } = graph.steps[s] as GraphStep;
    return (status === 'succeeded' || degraded !== undefined) && (stream === undefined || isItemKept(stream, i));
  };
  return steps.flatMap((step, s) => {
    const { part, repeat, itemNeeds } = graph.steps[s] as GraphStep;
    if (again.has(s) || part !== undefined) return [];
    if (step.status === 'skipped')
      return step.units[0]?.degraded === undefined ? [{ t: 'skipped', at: 0, s }] : endOf(step.units[0], s, -1);
    if (!step.isFanned) return isDone(s) ? endOf(step.units[0] as UnitState, s, -1) : [];
    if (step.grown !== undefined) return conversationOf(step, s, isStopped(s));
    const count = isDone(s) ? step.units.length : countKept(state, s);
    if (count === 0 && !isDone(s)) return [];
    const units = step.units.slice(0, count).flatMap((unit, i) => (isItemKept(s, i) ? endOf(unit, s, i) : []));
    const needs = itemNeeds && step.gate?.needs.map((of) => [...of]);
    const { end } = step;
    return [
      { t: 'fanned', at: 0, s, count, ...(needs && { needs }) },
      ...units,
      ...(isDone(s) && !isStopped(s) ? [{ t: 'joined' as const, at: 0, s, ...(end !== undefined && { end }) }] : []),
      // A turn that fails ends its step by itself.
      ...(isStopped(s) && repeat === undefined ? [{ t: 'stopped' as const, at: 0, s }] : []),
    ];
  });
}

/** Steps that a run which succeeded has gone on from although they, or items of them, had failed. What a model was told of is no failure. */
function lackingIn({ status, steps }: RunState): number[] {
  if (status !== 'succeeded') return [];
  const lacks = ({ status: own, grown, units }: StepState): boolean =>
    own === 'failed' || (grown === undefined && units.some((unit) => unit.status === 'failed'));
  return steps.flatMap((step, s) => (lacks(step) ? [s] : []));
}

/** Steps that the run would have gone on from, had not another got its items from them. */
function failedSources({ graph, steps }: RunState): number[] {
  return graph.steps.flatMap((step) => {
    const { stream } = step;
    const isFailed = stream !== undefined && steps[stream]?.status === 'failed' && steps[step.id]?.status !== 'skipped';
    return isFailed && !goesOn(step) ? [stream] : [];
  });
}

/** Units that a step which is not done still has: all, but of turns those that were taken, and as many of what streams from them. */
function countKept({ graph, steps }: Pick<RunState, 'graph' | 'steps'>, s: number): number {
  const { repeat, stream } = graph.steps[s] as GraphStep;
  const { units, status } = steps[s] as StepState;
  if (stream !== undefined) return countKept({ graph, steps }, stream);
  if (repeat === undefined || status === 'succeeded') return units.length;
  const failed = units.findIndex((unit) => unit.status !== 'succeeded');
  return failed < 0 ? units.length : failed;
}

/** Of an `llm` step, every turn and call that has ended: what follows, unless it `isStopped`, is decided anew from there. */
function conversationOf({ grown = [], units, status }: StepState, s: number, isStopped: boolean): Transition[] {
  const ends = units.flatMap((unit, i) => {
    const isEnded = unit.status === 'succeeded' || (unit.error !== undefined && (isStopped || isTold(grown[i], unit.error)));
    return isEnded ? endOf(unit, s, i) : [];
  });
  if (isStopped) return [{ t: 'grew', at: 0, s, units: grown }, ...ends, { t: 'stopped', at: 0, s }];
  // A turn that never was asked stands for a limit that was met.
  const isMet = units.at(-1)?.status === 'failed' && units.at(-1)?.attempt === 0 && grown.at(-1)?.k === 'model';
  return [
    { t: 'grew', at: 0, s, units: isMet ? grown.slice(0, -1) : grown },
    ...ends,
    ...(status === 'succeeded' ? [{ t: 'joined' as const, at: 0, s }] : []),
  ];
}

function endOf({ status, attempt: n, output = null, error, degraded, chosen }: UnitState, s: number, i: number): Transition[] {
  if (degraded !== undefined)
    return [{ t: 'degraded', at: 0, s, i, n, error: degraded, ...(status === 'succeeded' && { output }), isKept: true }];
  if (status === 'failed' && error !== undefined) return [{ t: 'failed', at: 0, s, i, n, error }];
  return [{ t: 'succeeded', at: 0, s, i, n, output, isKept: true, ...(chosen !== undefined && { agent: chosen }) }];
}

/** Steps that the run has undone, or tried to. */
function undone({ graph, steps, ending }: RunState): number[] {
  if (ending?.isUndone !== true) return [];
  return graph.steps.flatMap(({ undoes }, s) => (undoes === undefined || steps[s]?.status === 'skipped' ? [] : [undoes]));
}

/** These steps, and all that needs them, directly or not. */
function withDependents(state: RunState, from: readonly number[]): ReadonlySet<number> {
  const found = new Set<number>();
  const open = [...from];
  for (let s = open.pop(); s !== undefined; s = open.pop()) {
    if (found.has(s)) continue;
    found.add(s);
    open.push(...(state.graph.steps[s] as GraphStep).dependents);
  }
  return found;
}

/** The same in a graph of its own: in a run that went over to other definitions, steps have other ids. */
export function placedIn(graph: Graph, from: Graph, kept: readonly Transition[]): Transition[] {
  const ids = new Map(graph.steps.map(({ key, id }) => [key, id]));
  return kept
    .flatMap((transition) => {
      const s = 's' in transition ? ids.get(from.steps[transition.s]?.key ?? '') : undefined;
      return s === undefined ? [] : [{ s, transition: { ...transition, s } as Transition }];
    })
    .sort((a, b) => a.s - b.s)
    .map(({ transition }) => transition);
}

/** Keys of the steps of which a fork does all or some: what is kept is not their end. */
export function keysDoneAgain({ steps }: Graph, kept: readonly Transition[]): ReadonlySet<string> {
  const over = new Set(
    kept.flatMap((each) =>
      each.t === 'joined' || each.t === 'stopped' || each.t === 'skipped' || ('i' in each && each.i < 0) ? [each.s] : [],
    ),
  );
  return new Set(steps.flatMap(({ id, key }) => (over.has(id) ? [] : [key])));
}

/** How many steps and items a fork takes over. */
export function unitsKept(kept: readonly Transition[]): number {
  return kept.filter(({ t }) => t === 'succeeded' || t === 'degraded' || t === 'failed' || t === 'skipped').length;
}
