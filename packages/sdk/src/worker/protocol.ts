import type { RunError, Skill } from '../client/schema.ts';
import type { Handover } from './skill.ts';

/**
 * The worker protocol, as `GET /api/v1/workers/connect` speaks it: one JSON object a WebSocket text message. A worker starts a task only after
 * `start`, which the gateway sends when the run's owner has agreed; it sends `complete` again until `completed` says that the result is
 * recorded.
 */
export type ToGateway =
  | { type: 'hello'; agent: string; instance: string; capacity: number; skills: Skill[]; version?: number }
  | { type: 'accepted'; task: string }
  | { type: 'beat'; tasks: string[] }
  | { type: 'progress'; task: string; message: string; fraction?: number; partial?: unknown }
  | { type: 'complete'; task: string; output: unknown }
  | { type: 'complete'; task: string; error: RunError }
  | { type: 'drain' };

/** A task as it is offered. */
export interface TaskOffer {
  type: 'task';
  task: string;
  attempt: number;
  run: string;
  step: string;
  /** Null: the agent's only one. */
  skill: string | null;
  input: unknown;
  /** ISO 8601; after it the attempt counts as timed out. */
  deadline: string | number | null;
  /** The same for all attempts of the task: hand it on to what must not happen twice. */
  idempotencyKey: string;
  /** W3C Trace Context, where traces are recorded. */
  traceparent?: string;
  /** Another agent had it before. */
  handover?: Handover;
  /** The call is mirrored to this version, to compare it with the stable one: nothing may come of it but its answer. */
  isMirror?: boolean;
}

export type FromGateway =
  | { type: 'welcome'; instance: string; heartbeatMs: number }
  | TaskOffer
  | { type: 'start'; task: string }
  | { type: 'completed'; task: string }
  | { type: 'cancel'; task: string; reason?: string }
  | { type: 'refused'; task?: string; detail?: string }
  | { type: 'drain' }
  | { type: 'error'; code?: string; detail?: string; next?: string };

/** Reads one message; null for what is not of the protocol, which is skipped so that newer gateways may say more. */
export function readMessage(text: string): FromGateway | null {
  try {
    const message: unknown = JSON.parse(text);
    if (message === null || typeof message !== 'object' || !('type' in message) || typeof message.type !== 'string') return null;
    return message as FromGateway;
  } catch {
    return null;
  }
}
