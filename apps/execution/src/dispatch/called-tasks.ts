import type { Bus } from '@signalbox/shared/bus/bus.js';
import { cancelTasks } from '@signalbox/shared/contracts/protocol/cancel-tasks.js';
import { getTaskStatus } from '@signalbox/shared/contracts/protocol/get-task-status.js';
import {
  startTask,
  type ArtifactTarget,
  type StateTarget,
  type ModelTarget,
  type StartTaskRequest,
} from '@signalbox/shared/contracts/protocol/start-task.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, entryTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '@signalbox/workflow/core/events.js';
import type { QueuedTask } from './queued-task.ts';

const retryMs = 100;
const retryMaxMs = 3_000;
/** What asking again can cure: nothing has begun, so it does not count as an attempt. */
const curable = new Set(['unavailable', 'timeout', 'limited']);

/** Sends tasks to `protocol`, which calls agents and tools and keeps artifacts. */
export class CalledTasks {
  constructor(
    private readonly bus: Bus,
    /** The task cannot be handed over: its attempt ends so. */
    private readonly refused: (task: QueuedTask, error: Failure) => void,
  ) {}

  /** Hands a task over, however long `protocol` is away. */
  send(task: QueuedTask): void {
    // Apart from the call that led here: its deadline is not the task's.
    inCall({ traceparent: task.traceparent ?? entryTraceparent() }, () => {
      void this.handOver(task).catch((err: unknown) => log.error('a task was not handed over', { task: task.id, err }));
    });
  }

  private async handOver(task: QueuedTask): Promise<void> {
    for (let pause = retryMs; task.phase === 'offered'; pause = Math.min(retryMaxMs, pause * 2)) {
      try {
        const caller = await this.bus.as(task.grant);
        await this.bus.request(startTask, bodyOf(task), caller);
        task.because = undefined;
        return;
      } catch (thrown) {
        const fault = Fault.from(thrown);
        if (!curable.has(fault.code)) {
          if (fault.code === 'internal') log.error('a task was refused', { task: task.id, err: thrown });
          if (task.phase === 'offered') this.refused(task, failureOf(fault));
          return;
        }
        task.because = `${fault.service ?? 'protocol'}: ${fault.detail}`;
        task.heardAt = performance.now();
        await sleep(Math.max(pause, Math.min(retryMaxMs, fault.retryAfterMs ?? 0)));
      }
    }
  }

  /** Has tasks stopped that nobody wants any more. Best effort: the answer to their next beat says it too. */
  cancel(tasks: readonly string[]): void {
    inCall({ traceparent: childTraceparent() }, () => {
      this.bus
        .request(cancelTasks, { tasks: [...tasks] }, 'service')
        .catch((err: unknown) => log.debug('tasks were not cancelled at once', { err }));
    });
  }

  /** Which of these are being worked on; undefined when nobody can tell. */
  async stillRunning(tasks: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    try {
      const { running } = await this.bus.request(getTaskStatus, { tasks: [...tasks] }, 'service');
      return new Set(running);
    } catch {
      return undefined;
    }
  }
}

/** A fault as the failure of an attempt. */
export function failureOf(fault: Fault): Failure {
  return {
    code: fault.code,
    detail: fault.detail,
    next: fault.next,
    ...(fault.retryAfterMs !== undefined && { retryAfterMs: fault.retryAfterMs }),
  };
}

function bodyOf({
  id,
  kind,
  target,
  skill,
  version,
  input,
  key,
  timeoutMs,
  idempotencyKey,
  handover,
  routed,
  isMirror,
}: QueuedTask): StartTaskRequest {
  const agentVersion = version ?? routed;
  return {
    task: id,
    ...(kind === 'agent' && { agent: target, input }),
    ...(kind === 'agent' && skill !== undefined && { skill }),
    ...(kind === 'agent' && agentVersion !== undefined && { agentVersion }),
    ...(kind === 'tool' && { tool: target, input }),
    ...(kind === 'model' && { model: { ...(input as object), model: target } as ModelTarget }),
    ...(kind === 'artifact' && { artifact: input as unknown as ArtifactTarget }),
    ...(kind === 'state' && { state: input as unknown as StateTarget }),
    deadline: now() + timeoutMs,
    idempotencyKey,
    ...(handover && { handover }),
    ...(isMirror && { isMirror }),
    step: key,
  };
}
