import { applyTransition, type Graphs } from './apply.ts';
import type { AttemptLog } from './attempt-log.ts';
import type { AttemptRef, Effect, Transition } from './events.ts';
import type { RunState } from './state.ts';

/** Time, chance and identifiers, as the caller gives them: the core makes none. */
export interface Given {
  /** Milliseconds since 1970, of the database's clock. */
  at: number;
  /** In [0, 1). */
  random: () => number;
  newRunId: () => string;
  /** A UUIDv7 of something else of the run. */
  newId: () => string;
  /** What was said of an attempt that is under way. */
  logOf?: (ref: AttemptRef) => AttemptLog | undefined;
}

/**
 * What an event led to. `outcome`: `taken`, it changed the run; `known`, it was recorded before (an acknowledgement was lost: give
 * it again); `stale`, it speaks of an attempt that another has replaced, or of a run that has ended (refuse it).
 */
export interface Turn {
  outcome: 'taken' | 'known' | 'stale';
  transitions: Transition[];
  effects: Effect[];
}

export interface Work extends Turn {
  state: RunState;
  given: Given;
  /** Steps whose needs have ended; handled in order, so that a chain of values does not deepen the stack. */
  ready: number[];
  /** Steps whose items are being begun: those that end at once do not deepen it either. */
  filling: Set<number>;
}

export function record(work: Work, transition: Transition, graphs?: Graphs): void {
  work.transitions.push(transition);
  applyTransition(work.state, transition, graphs);
}
