import type { AttemptRef, Failure, RunEvent } from './events.ts';
import { mayTakeOver } from './failover.ts';
import type { GraphStep } from './graph.ts';
import { unitOf } from './state.ts';
import { record, type Turn, type Work } from './turn.ts';
import { mayDegrade } from './unavailable.ts';
import { attempt, degrade, failAtOnce, giveUp } from './units.ts';

/** Another agent goes on with a unit whose agent is used up, or whose attempt nobody could begin; without one a used-up unit has failed. */
export function move(work: Work, { s, i, n, agent, error }: RunEvent & { type: 'moved' }): Turn['outcome'] {
  const { state, given, effects } = work;
  const unit = unitOf(state, s, i);
  if (unit?.attempt !== n || (agent !== undefined && !mayTakeOver(state, s, i, agent))) return 'stale';
  const ref: AttemptRef = { s, i, n };
  const { at } = given;
  if (unit.isSeeking) {
    const last = unit.attempts?.at(-1);
    if (agent !== undefined) {
      record(work, { t: 'moved', at, ...ref, agent });
      attempt(work, s, i, n + 1);
    } else if (last !== undefined && mayDegrade(state.graph.steps[s] as GraphStep, last.error))
      degrade(work, ref, last.error, { ...(last.isLost && { isLost: true }) });
    else if (last?.isLost === true) giveUp(work, ref, last.error);
    else failAtOnce(work, s, i, last?.error as Failure, n);
    return 'taken';
  }
  if (unit.status !== 'queued' || agent === undefined || error === undefined) return 'stale';
  // Whoever was handed the attempt meanwhile and asks for it is refused: it is not the current one any more.
  effects.push({ e: 'attemptEnded', isCancelled: true, ...ref });
  record(work, { t: 'retrying', at, ...ref, due: at, error, agent, isLost: true });
  attempt(work, s, i, n + 1);
  return 'taken';
}
