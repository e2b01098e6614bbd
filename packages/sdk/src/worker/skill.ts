import type { SignalboxClient } from '../client/client.ts';
import type { JsonSchema } from '../client/schema.ts';

/** What a skill's function gets beside its input. */
export interface TaskContext {
  readonly task: string;
  readonly attempt: number;
  readonly run: string;
  readonly step: string;
  /** Aborted when the run is cancelled, the deadline has passed or the worker must stop now. */
  readonly signal: AbortSignal;
  readonly deadline: Date | null;
  /** The same for every attempt of this task: give it to what must not happen twice. */
  readonly idempotencyKey: string;
  /** W3C Trace Context of this attempt, where Signalbox records traces: hand it on, and what you call is part of the run's trace. */
  readonly traceparent: string | undefined;
  /** The REST API with the worker's own key, for example to read artifacts or to call tools. */
  readonly client: SignalboxClient;
  /** What the agent that had the task before got to, where another had it: go on from there. */
  readonly handover: Handover | undefined;
  /**
   * The call is mirrored to this version, to compare it with the stable one: nothing may come of it but its answer. What `client` would change is refused by
   * `forbidden`; leave out what it does not know of.
   */
  readonly isMirror: boolean;
  /**
   * Shows how far the task is. `fraction` is from 0 to 1. `partial`: what there is so far, JSON of at most 16 KiB (a reference to an artifact where it
   * is larger); of a step with `failover` the last of it is recorded, and handed over to the agent that has to go on.
   */
  progress(message: string, fraction?: number, partial?: unknown): void;
}

/** The last attempts of agents that could not go on with a task, the oldest first. */
export interface Handover {
  attempts: {
    number: number;
    agent: string;
    /** Epoch milliseconds; null: it never began. */
    startedAt: number | null;
    endedAt: number;
    /** Why it ended. */
    code: string;
    detail: string;
    /** What it said last, the oldest first. */
    messages: { at: number; message: string; fraction?: number }[];
    partial?: unknown;
  }[];
}

/** One skill of a worker. */
export interface WorkerSkill<Input = unknown, Output = unknown> {
  description?: string;
  /** JSON Schema of the input; checked before `run`. */
  input?: JsonSchema;
  /** JSON Schema of the output; checked after `run`. */
  output?: JsonSchema;
  run(input: Input, ctx: TaskContext): Output | Promise<Output>;
}

/** What a task can fail with: the taxonomy of Signalbox. A workflow's `retry.nonRetryable` names these. */
export type TaskErrorCode =
  'invalid' | 'forbidden' | 'not_found' | 'conflict' | 'limited' | 'unavailable' | 'timeout' | 'cancelled' | 'internal';

/** Fails a task with a code, a sentence, and what to do next. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
  readonly code: TaskErrorCode;
  readonly next: string | undefined;

  constructor(code: TaskErrorCode, detail: string, next?: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
    this.next = next;
  }
}
