import { isOver, type RunState } from './state.ts';

/** How far a run is, in steps and items. */
export interface ProgressCount {
  total: number;
  done: number;
  running: number;
  waiting: number;
  failed: number;
}

/** Counts the units of a run. `done`: succeeded or skipped; `waiting`: queued, pending, or between attempts. */
export function progressOf(state: RunState): ProgressCount {
  const count: ProgressCount = { total: 0, done: 0, running: 0, waiting: 0, failed: 0 };
  for (const [s, step] of state.steps.entries()) {
    // What is there to undo is counted once it is undone.
    if (state.graph.steps[s]?.part === 'undo' && (step.status === 'pending' || step.status === 'skipped')) continue;
    for (const { status, child } of step.units) {
      count.total++;
      if (status === 'succeeded' || status === 'skipped') count.done++;
      else if (status === 'failed') count.failed++;
      else if (status === 'running' || (status === 'waiting' && child !== undefined)) count.running++;
      else if (!isOver(status)) count.waiting++;
    }
  }
  return count;
}

/** Whether all that a running run has begun waits: for a later attempt or for a child run. */
export function isWaiting(state: RunState): boolean {
  if (state.status !== 'running') return false;
  let open = 0;
  for (const step of state.steps) {
    if (step.status !== 'open') continue;
    for (const { status } of step.units) {
      if (status === 'queued' || status === 'running') return false;
      if (status === 'waiting') open++;
    }
  }
  return open > 0;
}
