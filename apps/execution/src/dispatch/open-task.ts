import { formatTask, idempotencyKeyOf } from '@signalbox/shared/contracts/execution/task-id.js';
import type { AttemptRef } from '../core/events.ts';
import type { GraphStep } from '../core/graph.ts';
import { keyOf, targetOf } from '../core/decide.ts';
import type { Json } from '../core/json.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { AgentQueue } from './agent-queue.ts';
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
  /** Where it waits for a slot. */
  queue: AgentQueue;
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

/** The identifier of an attempt of a run's task. */
export function taskIdOf(run: LiveRun, { s, i, n }: AttemptRef): string {
  return formatTask({ run: run.id, step: s, index: i, attempt: n });
}

/** A task for an attempt of a run. `queueOf` says where it waits. */
export function newTask(
  run: LiveRun,
  ref: AttemptRef,
  input: Json,
  queueOf: (step: GraphStep, target: string, workspace: string) => AgentQueue,
): OpenTask {
  const step = run.state.graph.steps[ref.s] as GraphStep;
  const target = targetOf(run.state, ref.s, ref.i);
  return {
    id: taskIdOf(run, ref),
    run,
    ref,
    step,
    key: keyOf(run.state, ref.s, ref.i),
    target,
    skill: step.skill,
    input,
    idempotencyKey: idempotencyKeyOf({ run: run.id, step: ref.s, index: ref.i }),
    queue: queueOf(step, target, run.facts.workspace),
    phase: 'queued',
    instance: undefined,
    principal: undefined,
    heardAt: performance.now(),
    deadline: undefined,
    because: undefined,
  };
}
