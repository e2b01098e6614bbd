import type { AttemptRef, Failure, RunEvent } from './events.ts';
import type { GraphStep } from './graph.ts';
import { unitOf, type UnitState } from './state.ts';
import { record, type Turn, type Work } from './turn.ts';
import { attempt, fail, giveUp, succeed } from './units.ts';

/** The executor of an attempt was lost. What had begun may have had its effect, so that the step says what follows. */
export function onLost(work: Work, { s, i, n }: AttemptRef, unit: UnitState, error: Failure): void {
  const { onCrash } = work.state.graph.steps[s] as GraphStep;
  if (onCrash === undefined || unit.status !== 'running') fail(work, { s, i, n }, unit, error, true);
  else if (onCrash === 'fail') giveUp(work, { s, i, n }, { ...error, isFinal: true });
  else record(work, { t: 'crashed', at: work.given.at, s, i, n, error });
}

/** A person says what follows: another attempt, whatever the policy, the end of the unit, or what the lost one would have given. */
export function resolve(work: Work, event: RunEvent & { type: 'resolve' }): Turn['outcome'] {
  const { s, i, id, by, how } = event;
  const unit = unitOf(work.state, s, i);
  if (unit === undefined) return 'stale';
  if (unit.resolved === id) return 'known';
  if (unit.crash === undefined) return 'stale';
  const { crash: error, attempt: n } = unit;
  const { at } = work.given;
  const ref = { s, i, n };
  record(work, { t: 'resolved', at, ...ref, id, by, how });
  if (how === 'output') succeed(work, ref, event.output);
  else if (how === 'fail') giveUp(work, ref, { ...error, isFinal: true });
  else {
    record(work, { t: 'retrying', at, ...ref, due: at, error, isLost: true });
    attempt(work, s, i, n + 1);
  }
  return 'taken';
}
