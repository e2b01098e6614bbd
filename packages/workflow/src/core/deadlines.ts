import type { AttemptRef, Effect, Failure } from './events.ts';
import type { GraphStep } from './graph.ts';
import { isOver, unitOf, type RunState, type UnitState } from './state.ts';

/** What bounds a unit's time, whichever attempt it is at. */
export type Deadline = 'queue' | 'start' | 'attempt' | 'total';

/** The timers of a unit that has begun, beside those of its executor (`start` and `attempt` begin with what that does). */
export function deadlinesOf(state: RunState, s: number, i: number): Effect[] {
  const { timeouts = {} } = state.graph.steps[s] as GraphStep;
  const unit = unitOf(state, s, i);
  if (unit === undefined || isOver(unit.status)) return [];
  const n = unit.attempt;
  const { queueMs } = timeouts;
  const due = totalDue(state, s, unit);
  const effects: Effect[] = [];
  if (queueMs !== undefined && unit.status === 'queued')
    effects.push({ e: 'wakeAt', timer: 'queue', s, i, n, due: (unit.queuedAt ?? 0) + queueMs });
  if (due !== Infinity) effects.push({ e: 'wakeAt', timer: 'total', s, i, n, due });
  return effects;
}

/** When a unit has used up its time, or its `llm` step has. */
function totalDue({ graph, steps }: RunState, s: number, { firstAt = 0 }: UnitState): number {
  const { timeouts, llm } = graph.steps[s] as GraphStep;
  return Math.min(firstAt + (timeouts?.totalMs ?? Infinity), (steps[s]?.grownAt ?? 0) + (llm?.limits.timeMs ?? Infinity));
}

/** Whether a unit has used up the time that `deadline` gives; `start` is measured by who handed the attempt over. */
export function isLate(state: RunState, { s, i, n }: AttemptRef, deadline: Deadline, at: number): boolean {
  const { timeouts = {}, timeoutMs } = state.graph.steps[s] as GraphStep;
  const unit = unitOf(state, s, i);
  if (unit === undefined) return false;
  switch (deadline) {
    case 'queue':
      return unit.attempt === n && unit.status === 'queued' && at >= (unit.queuedAt ?? 0) + (timeouts.queueMs ?? Infinity);
    case 'start':
      return unit.attempt === n && unit.status === 'queued' && timeouts.startMs !== undefined;
    case 'attempt':
      return unit.attempt === n && unit.status === 'running' && at >= (unit.startedAt ?? 0) + timeoutMs;
    case 'total':
      return !isOver(unit.status) && unit.status !== 'pending' && at >= totalDue(state, s, unit);
  }
}

/** What is said of a unit that was late; `isFinal` where no attempt may follow. */
export function lateness(state: RunState, { s, i, n }: AttemptRef, deadline: Deadline): Failure {
  const { timeouts = {}, timeoutMs, llm } = state.graph.steps[s] as GraphStep;
  switch (deadline) {
    case 'queue':
      return failure(
        `attempt ${n} was not accepted within its queue timeout of ${timeouts.queueMs} ms`,
        'Start more workers, or raise timeouts.queue of the step.',
      );
    case 'start':
      return failure(
        `attempt ${n} was handed over and not accepted within its start timeout of ${timeouts.startMs} ms`,
        'Look at the executor that it was handed to, or raise timeouts.start of the step.',
      );
    case 'attempt':
      return failure(
        `attempt ${n} took longer than its timeout of ${timeoutMs} ms`,
        'Raise the timeout of the step, or make its work smaller.',
      );
    case 'total':
      if (
        llm !== undefined &&
        totalDue(state, s, unitOf(state, s, i) as UnitState) === (state.steps[s]?.grownAt ?? 0) + llm.limits.timeMs
      ) {
        const detail = `limits.time: the step took longer than ${llm.limits.timeMs} ms`;
        return { ...failure(detail, 'Raise it, or make the task smaller.'), isFinal: true };
      }
      return {
        ...failure(
          `all attempts and waits together took longer than the total timeout of ${timeouts.totalMs} ms`,
          'Raise timeouts.total of the step, or look at why its attempts failed.',
        ),
        isFinal: true,
      };
  }
}

function failure(detail: string, next: string): Failure {
  return { code: 'timeout', detail, next };
}
