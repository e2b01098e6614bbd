import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import type { RunState, StepState } from '@signalbox/workflow/core/state.js';

/** The steps that the run's time went into: from the one that ended last (or has not ended), each time the need that ended last. */
export function criticalSteps(state: RunState): ReadonlySet<number> {
  const found = new Set<number>();
  let current: number | undefined;
  let latest = -1;
  state.steps.forEach((step, s) => {
    const end = endOfStep(step);
    if (step.status !== 'pending' && step.status !== 'skipped' && end > latest) {
      latest = end;
      current = s;
    }
  });
  while (current !== undefined && !found.has(current)) {
    found.add(current);
    const needs: readonly number[] = awaitedBy(state, current);
    current = needs
      .filter((need) => (state.steps[need] as StepState).status !== 'skipped')
      .sort((a, b) => endOfStep(state.steps[b] as StepState) - endOfStep(state.steps[a] as StepState))[0];
  }
  return found;
}

/** What a step waited for: what it needs, or the end of all that comes before undoing or `finally`. */
export function awaitedBy({ graph, steps }: RunState, s: number): readonly number[] {
  const { needs, part } = graph.steps[s] as GraphStep;
  if (needs.length > 0 || part === undefined) return needs;
  return graph.steps.flatMap(({ part: other }, id) => {
    const isBefore = other === undefined || (part === 'finally' && other === 'undo');
    return isBefore && steps[id]?.status !== 'pending' ? [id] : [];
  });
}

/** When a step ended, epoch milliseconds; Infinity while something of it is under way, 0 before that. */
export function endOfStep(step: StepState): number {
  let end = 0;
  for (const unit of step.units) {
    if (unit.endedAt === undefined && (unit.status === 'queued' || unit.status === 'running' || unit.status === 'waiting')) return Infinity;
    if (unit.endedAt !== undefined && unit.endedAt > end) end = unit.endedAt;
  }
  return end;
}
