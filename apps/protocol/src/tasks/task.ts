import type { Failure, TaskResult, Usage } from '@signalbox/shared/contracts/execution/failure.js';
import type { TaskRef } from '@signalbox/shared/contracts/execution/task-id.js';
import type { StartTaskRequest } from '@signalbox/shared/contracts/protocol/start-task.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** What a target gets of the task that it works on. */
export interface TaskCall {
  readonly id: string;
  readonly ref: TaskRef;
  readonly request: StartTaskRequest;
  readonly caller: Caller;
  /** Aborted with a Fault: `cancelled`, `timeout`, or `unavailable` as the process stops. */
  readonly signal: AbortSignal;
  /** Says what it is at, for people who follow the run. */
  progress(message: string, fraction?: number): void;
  /** Tells a piece of text that a model has just written. */
  delta(agent: string, turn: number, offset: number, text: string): void;
  /** Adds what a model call used; it counts even if the task fails. */
  use(usage: Usage): void;
}

/** What a task used that asked nobody, or was refused: else all that a budget has set aside for it counts as used. */
export const nothing: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** Sums of what a task used. */
export class UsageSum {
  private sum: Usage | null = null;

  add({ inputTokens, outputTokens, costUsd }: Usage): void {
    const { sum } = this;
    this.sum = {
      inputTokens: (sum?.inputTokens ?? 0) + inputTokens,
      outputTokens: (sum?.outputTokens ?? 0) + outputTokens,
      costUsd: (sum?.costUsd ?? 0) + costUsd,
    };
  }

  get total(): Usage | null {
    return this.sum;
  }
}

/** Exactly one target, or `invalid`. */
export function checkTarget({ agent, tool, artifact, state, model, skill, agentVersion }: StartTaskRequest): void {
  const count = [agent, tool, artifact, state, model].filter((target) => target !== undefined).length;
  if (count !== 1) throw new Fault('invalid', 'a task has exactly one of agent, tool, artifact, state and model', 'Name one target.');
  if (agent === undefined && (skill !== undefined || agentVersion !== undefined)) {
    throw new Fault('invalid', 'skill and agentVersion belong to an agent', 'Leave them out, or name an agent.');
  }
}

const detailMax = 8_000;

/** A fault as execution records it. */
export function failureOf(thrown: unknown): Failure {
  const { code, detail, next, retryAfterMs } = Fault.from(thrown);
  return {
    code,
    detail: detail.slice(0, detailMax),
    next: next.slice(0, 2_000),
    ...(retryAfterMs !== undefined && { retryAfterMs: Math.round(retryAfterMs) }),
  };
}

/** How a task ended, with what it used. */
export function resultOf(outcome: { output: unknown } | { thrown: unknown }, usage: Usage | null): TaskResult {
  return {
    ...('output' in outcome ? { output: outcome.output ?? null } : { error: failureOf(outcome.thrown) }),
    ...(usage && { usage }),
  };
}
