import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import type { RunState, StepState, UnitState } from '@signalbox/workflow/core/state.js';
import { criticalSteps } from '../runs/critical-path.ts';

/** Runs whose work is shorter than this say nothing: what is always added outweighs it. */
const workMinMs = 100;

/** How long a run of several agents took, each as a multiple. */
export interface Together {
  /** Of what those steps took that it could not do without waiting for: its longest path. */
  againstPath: number;
  /** Of what all its steps took one after the other: as one agent alone would do them. */
  againstOne: number;
}

/** Null: fewer than two agents did something, or all of it took too short. What it waited for people or a time is left out on both sides. */
export function togetherOf(state: RunState): Together | null {
  const { graph, steps, startedAt, admittedAt = startedAt, endedAt } = state;
  if (endedAt === undefined || agentsOf(state) < 2) return null;
  const critical = criticalSteps(state);
  let path = 0;
  let waited = 0;
  let one = 0;
  const stretches: Stretch[] = [];
  for (const [s, step] of steps.entries()) {
    const { kind } = graph.steps[s] as GraphStep;
    const isWait = kind === 'wait' || kind === 'approval';
    if (!isWait) for (const unit of step.units) one += spanOf(unit);
    const stretch = critical.has(s) && stretchOf(step);
    if (stretch) stretches.push({ ...stretch, isWait });
  }
  // A step that takes its items as they come begins before the one that makes them ends: what both took is once of the path.
  let until = 0;
  for (const { from, to, isWait } of stretches.sort((a, b) => a.from - b.from)) {
    const took = Math.max(0, to - Math.max(from, until));
    if (isWait) waited += took;
    else path += took;
    until = Math.max(until, to);
  }
  const elapsed = Math.max(0, endedAt - admittedAt - waited);
  return path < workMinMs || one < workMinMs ? null : { againstPath: elapsed / path, againstOne: elapsed / one };
}

function agentsOf({ graph, steps }: RunState): number {
  const agents = new Set<string>();
  for (const [s, step] of steps.entries()) {
    const { kind, target } = graph.steps[s] as GraphStep;
    if (kind !== 'agent') continue;
    for (const unit of step.units) if (unit.startedAt !== undefined) agents.add(unit.agent ?? unit.chosen ?? target);
  }
  return agents.size;
}

function spanOf({ startedAt, endedAt, isKept }: UnitState): number {
  return startedAt === undefined || endedAt === undefined || isKept ? 0 : Math.max(0, endedAt - startedAt);
}

interface Stretch {
  from: number;
  to: number;
  isWait: boolean;
}

/** From when the first of its units began to when the last ended; undefined where nothing took any time. */
function stretchOf({ units }: StepState): Pick<Stretch, 'from' | 'to'> | undefined {
  let from = Infinity;
  let to = 0;
  for (const { startedAt, firstAt, endedAt, isKept } of units) {
    if (endedAt === undefined || isKept) continue;
    from = Math.min(from, startedAt ?? firstAt ?? endedAt);
    to = Math.max(to, endedAt);
  }
  return to > from ? { from, to } : undefined;
}
