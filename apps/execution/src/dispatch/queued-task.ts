import type { Handover } from '@signalbox/shared/contracts/execution/handover.js';
import type { QueueOffer } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { agentQueueKey } from '@signalbox/shared/contracts/execution/queue-key.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { priorityDefault } from '@signalbox/workflow/core/limits.js';
import type { AgentQueue } from './agent-queue.ts';

/**
 * A task as its queue knows it, whoever owns its run. `queued`: waits for a slot or a worker; `offered`: handed over, not yet accepted;
 * `running`: accepted, and kept by heartbeats that its run's owner hears.
 */
export interface QueuedTask {
  readonly id: string;
  readonly workspace: string;
  /** The right to act for who started the run. */
  readonly grant: string;
  readonly kind: QueueOffer['kind'];
  readonly target: string;
  readonly skill: string | undefined;
  /** The version of the agent that is to do it. */
  readonly version: number | undefined;
  /** `analyse[3]` */
  readonly key: string;
  readonly input: Json;
  readonly timeoutMs: number;
  /** Once it was handed over, it is to be accepted within this. */
  readonly startMs: number | undefined;
  readonly idempotencyKey: string;
  /** From 1 (goes first) to 5. */
  readonly priority: number;
  /** Of its attempt's span, where traces are recorded. */
  readonly traceparent: string | undefined;
  /** Of the agents that had it before. */
  readonly handover: Handover | undefined;
  /** Of its run; undefined where it has none. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** It is mirrored: nothing of its run waits for it, and it takes no place. */
  readonly isMirror: boolean;
  /** The version that a rollout chose, once it was handed over. */
  routed: number | undefined;
  /** Where it waits for a slot; null where another replica keeps that queue. */
  queue: AgentQueue | null;
  phase: 'queued' | 'offered' | 'running' | 'gone';
  instance: string | undefined;
  /** The principal that leased it; nobody else may accept or complete it. */
  principal: string | undefined;
  /** On this process's monotonic clock: when it was offered, or last heard of. */
  heardAt: number;
  /** On the same clock: when it was first handed over, where that is bounded and not yet reported. */
  handedAt: number | undefined;
  /** Since when its executor may work on it without having asked, epoch milliseconds; its next word says that it does. */
  begunAt: number | undefined;
  /** It may have been handed out before, by an owner that is gone: it asks for its turn, or waits for it (see `Pace`). */
  again: 'asks' | 'waits' | undefined;
  /** Why it is not under way, for people. */
  because: string | undefined;
}

/** A task that was handed over and not accepted goes back to the queue after this. */
export const offerMs = 10_000;

/** After all that runs wait for. */
const mirrorPriority = 6;

/** Whether it was handed over and not accepted in time. */
export function isLateToStart({ phase, startMs, handedAt }: QueuedTask, at: number): boolean {
  return startMs !== undefined && handedAt !== undefined && (phase === 'queued' || phase === 'offered') && at >= handedAt + startMs;
}

/** Whether it takes up a slot of its queue. */
export function isActive({ phase }: QueuedTask): boolean {
  return phase === 'offered' || phase === 'running';
}

/** Where a task waits: tasks of one agent, tools of one server, calls to one model, artifacts, or shared state, of one workspace. */
export function queueKeyOf({ kind, workspace, target }: Pick<QueuedTask, 'kind' | 'workspace' | 'target'>): string {
  if (kind === 'agent') return agentQueueKey(workspace, target);
  if (kind === 'model') return `model ${workspace} ${target}`;
  return kind === 'tool' ? `tool ${workspace} ${target.split('/', 1)[0] ?? ''}` : `${kind} ${workspace}`;
}

/** A task of another owner's run, as it was offered. */
export function offeredTask(
  id: string,
  {
    workspace,
    grant,
    kind,
    target,
    skill,
    version,
    step,
    input,
    timeoutMs,
    startMs,
    idempotencyKey,
    priority = priorityDefault,
    traceparent,
    handover,
    labels,
    isMirror = false,
  }: QueueOffer,
): QueuedTask {
  return {
    id,
    workspace,
    grant,
    kind,
    target,
    skill,
    version,
    key: step,
    input: (input ?? null) as Json,
    timeoutMs,
    startMs,
    idempotencyKey,
    priority: isMirror ? mirrorPriority : priority,
    traceparent,
    handover,
    labels,
    isMirror,
    routed: undefined,
    queue: null,
    phase: 'queued',
    instance: undefined,
    principal: undefined,
    heardAt: performance.now(),
    handedAt: undefined,
    begunAt: undefined,
    again: undefined,
    because: undefined,
  };
}

/** What the owner of its queue is told. */
export function offerOf(task: QueuedTask): QueueOffer {
  const {
    workspace,
    grant,
    kind,
    target,
    skill,
    version,
    key,
    input,
    timeoutMs,
    startMs,
    idempotencyKey,
    priority,
    traceparent,
    handover,
    labels,
    isMirror,
  } = task;
  const optional = {
    ...(skill !== undefined && { skill }),
    ...(version !== undefined && { version }),
    ...(startMs !== undefined && { startMs }),
    ...(priority !== priorityDefault && !isMirror && { priority }),
    ...(traceparent !== undefined && { traceparent }),
    ...(handover && { handover }),
    ...(kind === 'agent' && labels && { labels: { ...labels } }),
    ...(isMirror && { isMirror }),
  };
  return { workspace, grant, kind, target, ...optional, step: key, input, timeoutMs, idempotencyKey };
}
