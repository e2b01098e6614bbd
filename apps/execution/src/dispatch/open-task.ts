import { formatTask, idempotencyKeyOf } from '@signalbox/shared/contracts/execution/task-id.js';
import type { AttemptRef } from '../core/events.ts';
import type { GraphStep } from '../core/graph.ts';
import { keyOf, targetOf } from '../core/decide.ts';
import type { Json } from '../core/json.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { Timer } from '../timers/timer-heap.ts';

/**
 * One attempt that was sent out and has not ended. `queued`: waits for a slot or a worker; `offered`: handed over, not yet accepted;
 * `running`: accepted, and kept by heartbeats.
 */
export interface OpenTask {
  readonly id: string;
  readonly run: LiveRun;
  readonly ref: AttemptRef;
  readonly step: GraphStep;
  /** `analyse[3]` */
  readonly key: string;
  readonly target: string;
  readonly skill: string | undefined;
  readonly input: Json;
  readonly idempotencyKey: string;
  phase: 'queued' | 'offered' | 'running' | 'gone';
  instance: string | undefined;
  /** The principal that leased it; nobody else may accept or complete it. */
  principal: string | undefined;
  /** On this process's monotonic clock: when it was offered, or last heard of. */
  heardAt: number;
  deadline: Timer | undefined;
  /** Why it is not under way, for people. */
  because: string | undefined;
}

/** A task for an attempt of a run. */
export function newTask(run: LiveRun, ref: AttemptRef, input: Json): OpenTask {
  const step = run.state.graph.steps[ref.s] as GraphStep;
  const place = { run: run.id, step: ref.s, index: ref.i };
  return {
    id: formatTask({ ...place, attempt: ref.n }),
    run,
    ref,
    step,
    key: keyOf(run.state, ref.s, ref.i),
    target: targetOf(run.state, ref.s, ref.i),
    skill: step.skill,
    input,
    idempotencyKey: idempotencyKeyOf(place),
    phase: 'queued',
    instance: undefined,
    principal: undefined,
    heardAt: performance.now(),
    deadline: undefined,
    because: undefined,
  };
}
