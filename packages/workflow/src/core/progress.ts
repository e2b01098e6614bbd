import { isEntering } from './limits.ts';
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
    if (state.graph.steps[s]?.isRemoved === true) continue;
    // What is there to undo is counted once it is undone.
    if (state.graph.steps[s]?.part === 'undo' && (step.status === 'pending' || step.status === 'skipped')) continue;
    for (const { status, child } of step.units) {
      count.total++;
      if (status === 'succeeded' || status === 'skipped') count.done++;
      // What a model was told of is no failure of the run.
      else if (status === 'failed' && step.grown !== undefined && step.status === 'succeeded') count.done++;
      else if (status === 'failed') count.failed++;
      else if (status === 'running' || (status === 'waiting' && child !== undefined)) count.running++;
      else if (!isOver(status)) count.waiting++;
    }
  }
  return count;
}

/** Whether all that a running run has begun waits: for a later attempt or for a child run; or the run as a whole waits for a person, or for places. */
export function isWaiting(state: RunState): boolean {
  if (state.status !== 'running') return false;
  if (state.quarantine !== undefined || isEntering(state)) return true;
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

/**
 * What went wrong in a run that has ended: the code of its failure and the step that had it; of a run that went on from failures, those of the
 * first step that failed. Nothing where nobody needs to look at it.
 */
export function problemOf(state: RunState): { errorCode?: string; failedStep?: string } {
  if (state.status !== 'failed' && state.status !== 'succeeded') return {};
  let failed: { step: string; code: string; at: number } | undefined;
  state.steps.forEach(({ units, grown, status: stepStatus }, s) => {
    // What a model was told of is no failure of the run.
    if (grown !== undefined && stepStatus === 'succeeded') return;
    for (const { status, error, endedAt = 0 } of units) {
      // What ended the run failed last; of failures that it went on from, the first is told.
      if (status !== 'failed' || (failed && (state.status === 'failed' ? endedAt < failed.at : endedAt >= failed.at))) continue;
      failed = { step: state.graph.steps[s]?.key ?? '', code: error?.code ?? 'internal', at: endedAt };
    }
  });
  const code = state.status === 'failed' ? (state.error?.code ?? (state.reason === 'timeout' ? 'timeout' : 'internal')) : failed?.code;
  return { ...(code !== undefined && { errorCode: code }), ...(failed && { failedStep: failed.step }) };
}
