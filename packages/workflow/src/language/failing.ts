import { ExpressionError, type FailoverPolicy, type GraphStep, type StepKind, type UnavailablePolicy } from '../core/graph.ts';
import type { StepManifest } from './manifest.ts';
import { timeoutMs } from './timeout.ts';

type Failing = Pick<GraphStep, 'timeouts' | 'maxFailures' | 'onCrash'>;

/** Which of `timeouts` a kind of step has; for all others nobody outside accepts anything. */
const timed: Partial<Record<StepKind, readonly string[]>> = { value: [], wait: [], approval: [], workflow: ['total'] };
/** Kinds whose executor can be lost. */
const sent: readonly StepKind[] = ['agent', 'tool', 'artifact', 'state', 'llm'];

/** What a step says of late and lost attempts and of failed items. Throws `ExpressionError` for what its kind does not have. */
export function failingOf(kind: StepKind, step: StepManifest, pointer: string): Failing {
  const { timeouts = {}, maxFailures, onCrash } = step;
  for (const name of Object.keys(timeouts)) {
    const allowed = timed[kind];
    if (allowed?.includes(name) === false)
      throw new ExpressionError(
        `a step with ${kind} has no timeout ${name}${allowed.length > 0 ? `, only ${allowed.join(', ')}` : ''}`,
        `${pointer}/timeouts/${name}`,
      );
  }
  if (timeouts.attempt !== undefined && step.timeout !== undefined)
    throw new ExpressionError('timeout and timeouts.attempt are the same: give one of them', `${pointer}/timeouts/attempt`);
  if (maxFailures !== undefined && step.forEach === undefined)
    throw new ExpressionError('only a step with forEach has maxFailures', `${pointer}/maxFailures`);
  if (onCrash !== undefined && !sent.includes(kind))
    throw new ExpressionError(`a step with ${kind} has no executor that could be lost`, `${pointer}/onCrash`);
  const { queue, start, total } = timeouts;
  return {
    ...((queue ?? start ?? total) !== undefined && {
      timeouts: {
        ...(queue !== undefined && { queueMs: timeoutMs(queue) }),
        ...(start !== undefined && { startMs: timeoutMs(start) }),
        ...(total !== undefined && { totalMs: timeoutMs(total) }),
      },
    }),
    ...(maxFailures !== undefined && { maxFailures: allowance(maxFailures) }),
    ...(onCrash !== undefined && onCrash !== 'retry' && { onCrash }),
  };
}

/** An attempt that nobody could begin for so long is another agent's. */
const failoverMs = 10_000;
/** After so long a declared result stands in: others have been tried by then. */
const unavailableMs = 30_000;

/** Who may take the step over. Throws `ExpressionError` where that is nobody, or said twice. */
export function failoverOf({ agent, skill, fallback, failover }: StepManifest, pointer: string): FailoverPolicy | undefined {
  if (failover === undefined) return undefined;
  const at = `${pointer}/failover`;
  if (agent === undefined) throw new ExpressionError('only a step with an agent has a failover', at);
  if (fallback !== undefined)
    throw new ExpressionError('a step has either fallback or failover: name the fallback in failover.to', `${pointer}/fallback`);
  const { to, after } = failover;
  if ((to === undefined) === (failover.skill === undefined))
    throw new ExpressionError('give either to, with the names of agents, or skill: true', at);
  if (failover.skill !== undefined && skill === undefined)
    throw new ExpressionError('say which skill the step needs, so that others with it can be found', `${at}/skill`);
  if (to?.includes(agent) === true) throw new ExpressionError(`${agent} is the step’s own agent`, `${at}/to/${to.indexOf(agent)}`);
  return { ...(to !== undefined && { to }), afterMs: after === undefined ? failoverMs : timeoutMs(after) };
}

/** What stands in where nobody can do the step. Throws `ExpressionError` where that says nothing, or could not come about. */
export function unavailableOf(
  kind: StepKind,
  { whenUnavailable: when, repeat, forEach, timeouts }: StepManifest,
  pointer: string,
): UnavailablePolicy | undefined {
  if (when === undefined) return undefined;
  const at = `${pointer}/whenUnavailable`;
  if (kind !== 'agent') throw new ExpressionError('only a step with an agent has whenUnavailable', at);
  if (repeat !== undefined) throw new ExpressionError('a step with turns has no whenUnavailable: give it failover, or onError', at);
  if ((when.use === undefined) === (when.skip === undefined))
    throw new ExpressionError('give either use, with what stands in for the output, or skip: true', at);
  if (when.skip !== undefined && typeof forEach === 'object' && 'needs' in forEach)
    throw new ExpressionError('items that need each other are not skipped: give use', `${at}/skip`);
  const afterMs = when.after === undefined ? unavailableMs : timeoutMs(when.after);
  if (timeouts?.queue !== undefined && timeoutMs(timeouts.queue) <= afterMs)
    throw new ExpressionError('timeouts.queue is over before: make it longer than after, or leave it out', `${at}/after`);
  return { afterMs };
}

/** `3`, or `10%` of the items, rounded down. */
function allowance(maxFailures: number | string): (items: number) => number {
  if (typeof maxFailures === 'number') return () => maxFailures;
  const percent = Number(maxFailures.slice(0, -1));
  return (items) => Math.floor((items * percent) / 100);
}
