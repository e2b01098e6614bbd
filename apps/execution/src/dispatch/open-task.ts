import { formatTask, idempotencyKeyOf } from '@signalbox/shared/contracts/execution/task-id.js';
import { traceparentOf } from '@signalbox/shared/telemetry/call-context.js';
import { isTracing } from '@signalbox/shared/telemetry/tracing.js';
import type { AttemptLog } from '@signalbox/workflow/core/attempt-log.js';
import type { AttemptRef } from '@signalbox/workflow/core/events.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import { handoverOf } from '@signalbox/workflow/core/failover.js';
import { priorityOf } from '@signalbox/workflow/core/limits.js';
import { keyOf, workOf } from '@signalbox/workflow/core/scope.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import type { LiveRun } from '../shards/live-run.ts';
import type { Timer } from '@signalbox/workflow/timers/timer-heap.js';
import { spanOfAttempt } from '../telemetry/run-spans.ts';
import type { QueuedTask } from './queued-task.ts';

/** One attempt that was sent out and has not ended, as the owner of its run knows it. */
export interface OpenTask extends QueuedTask {
  readonly run: LiveRun;
  readonly ref: AttemptRef;
  readonly step: GraphStep;
  deadline: Timer | undefined;
  /** Whether its executor has said anything of it: else it may never have reached it. */
  isHeard: boolean;
  /** What it said, until that is recorded with its end. */
  log: AttemptLog | undefined;
}

/** The identifier of an attempt of a run's task. */
export function taskIdOf(run: LiveRun, { s, i, n }: AttemptRef): string {
  return formatTask({ run: run.id, step: s, index: i, attempt: n });
}

/** A task for an attempt of a run. */
export function newTask(run: LiveRun, ref: AttemptRef, input: Json): OpenTask {
  const step = run.state.graph.steps[ref.s] as GraphStep;
  const { kind, target, skill, version } = workOf(run.state, ref.s, ref.i);
  const { workspace, grant, labels } = run.facts;
  return {
    id: taskIdOf(run, ref),
    run,
    ref,
    step,
    workspace,
    grant,
    kind: kind as OpenTask['kind'],
    key: keyOf(run.state, ref.s, ref.i),
    target,
    skill,
    version,
    input,
    timeoutMs: step.timeoutMs,
    startMs: step.timeouts?.startMs,
    idempotencyKey: idempotencyKeyOf({ run: run.id, step: ref.s, index: ref.i }),
    priority: priorityOf(run.state, ref.s),
    traceparent: isTracing() ? traceparentOf(spanOfAttempt(run.state, ref)) : undefined,
    handover: handoverOf(run.state, ref.s, ref.i),
    labels: Object.keys(labels).length === 0 ? undefined : labels,
    isMirror: false,
    routed: undefined,
    queue: null,
    phase: 'queued',
    instance: undefined,
    principal: undefined,
    heardAt: performance.now(),
    handedAt: undefined,
    begunAt: undefined,
    again: undefined,
    deadline: undefined,
    isHeard: false,
    log: undefined,
    because: undefined,
  };
}

/** Whether `protocol` works on it, and not a worker. */
export function isCalled({ kind, queue, instance }: QueuedTask): boolean {
  return kind !== 'agent' || queue?.kind === 'called' || instance?.startsWith('protocol') === true;
}
