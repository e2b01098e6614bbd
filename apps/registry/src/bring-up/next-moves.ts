import type { Standing } from '../deployments/agent-standing.ts';
import type { StepFact } from '../deployments/facts.ts';
import type { PlannedAgent, PlannedStep } from '../deployments/plan.ts';

/** A step to begin, to look at again, or to try again. */
export interface Move {
  agent: PlannedAgent;
  step: PlannedStep;
  fact: StepFact;
}

/**
 * What a started deployment does now: of each agent the first step that is not done, if it is ours to make. A step begins only when all that the
 * agent waits for is there; one that has begun or failed is looked at whatever becomes of the rest.
 */
export function nextMoves(standings: Iterable<Standing>): Move[] {
  return [...standings].flatMap(({ planned, steps, waitingFor }) => {
    const next = steps.find(({ fact }) => fact.state !== 'done');
    if (next === undefined || next.planned.source === 'reported') return [];
    if (next.fact.state === 'pending' && waitingFor.length > 0) return [];
    return [{ agent: planned, step: next.planned, fact: next.fact }];
  });
}
