import type { AttemptRef, RunEvent } from './events.ts';
import { unitOf } from './state.ts';
import type { Turn, Work } from './turn.ts';
import { degrade } from './units.ts';

/** Nobody could begin an attempt for as long as its step waits. */
export function onStranded(work: Work, { s, i, n, error }: RunEvent & { type: 'stranded' }): Turn['outcome'] {
  const unit = unitOf(work.state, s, i);
  if (unit?.attempt !== n || unit.status !== 'queued' || work.state.graph.steps[s]?.unavailable === undefined) return 'stale';
  const ref: AttemptRef = { s, i, n };
  // Whoever was handed the attempt meanwhile and asks for it is refused: it has ended.
  work.effects.push({ e: 'attemptEnded', isCancelled: true, ...ref });
  degrade(work, ref, error, { isLost: true });
  return 'taken';
}
