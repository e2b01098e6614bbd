import type { Handover } from '@signalbox/shared/contracts/execution/handover.js';
import { taskPattern } from '@signalbox/shared/contracts/execution/task-id.js';
import { instanceNamePattern } from '@signalbox/shared/contracts/registry/instance.js';
import { parseJson } from '@signalbox/shared/bus/json.js';
import { namePattern } from '@signalbox/shared/ids/ids.js';

/** One message of a worker, in bytes: a result fits a message of the bus, with room for what is around it. */
export const messageMaxBytes = 560_000;
const tasksMax = 1_000;
export const capacityMax = 256;
const versionMax = 2 ** 31 - 1;

/** What a worker says. `docs/worker-protocol.md` is the reference. */
export type FromWorker =
  | { type: 'hello'; agent: string; instance: string; capacity: number; skills: string[]; version?: number }
  | { type: 'accepted'; task: string }
  | { type: 'beat'; tasks: string[] }
  | { type: 'progress'; task: string; message: string; fraction?: number; partial?: unknown }
  | { type: 'complete'; task: string; output?: unknown; error?: unknown; usage?: unknown }
  | { type: 'drain' };

/** What the gateway says to a worker. */
export type ToWorker =
  | { type: 'welcome'; instance: string; heartbeatMs: number }
  | {
      type: 'task';
      task: string;
      attempt: number;
      run: string;
      step: string;
      skill: string | null;
      input: unknown;
      deadline: string;
      idempotencyKey: string;
      traceparent?: string;
      handover?: Handover;
      isMirror?: boolean;
    }
  | { type: 'start'; task: string }
  | { type: 'completed'; task: string }
  | { type: 'refused'; task: string; detail: string }
  | { type: 'cancel'; task: string; reason: string }
  | { type: 'drain' }
  | { type: 'error'; code: string; detail: string; next: string };

/** A message that is none of the protocol: `detail` says why. */
export class MessageError extends Error {
  override readonly name = 'MessageError';
}

/** Reads one message. Null for a type that is not known, so that newer workers may say more. */
export function readWorkerMessage(bytes: Buffer): FromWorker | null {
  const value = parseJson(bytes, messageMaxBytes);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MessageError('a message is a JSON object');
  const message = value as Record<string, unknown>;
  switch (message['type']) {
    case 'hello':
      return {
        type: 'hello',
        agent: text(message, 'agent', namePattern),
        instance: text(message, 'instance', instanceNamePattern),
        capacity: whole(message, 'capacity', 0, capacityMax),
        skills: skillNames(message['skills']),
        ...(message['version'] !== undefined && { version: whole(message, 'version', 1, versionMax) }),
      };
    case 'accepted':
      return { type: 'accepted', task: text(message, 'task', taskPattern) };
    case 'beat': {
      const tasks = message['tasks'];
      const isList =
        Array.isArray(tasks) && tasks.length <= tasksMax && tasks.every((task) => typeof task === 'string' && taskPattern.test(task));
      if (!isList) throw new MessageError(`tasks must be a list of at most ${tasksMax} tasks`);
      return { type: 'beat', tasks: tasks as string[] };
    }
    case 'progress': {
      const { fraction } = message;
      return {
        type: 'progress',
        task: text(message, 'task', taskPattern),
        message: text(message, 'message', /^[^]{0,2048}$/),
        ...(typeof fraction === 'number' && { fraction: Math.min(1, Math.max(0, fraction)) }),
        ...(message['partial'] !== undefined && { partial: message['partial'] }),
      };
    }
    case 'complete':
      return {
        type: 'complete',
        task: text(message, 'task', taskPattern),
        ...('output' in message && { output: message['output'] }),
        ...('error' in message && { error: message['error'] }),
        ...('usage' in message && { usage: message['usage'] }),
      };
    case 'drain':
      return { type: 'drain' };
    default:
      return null;
  }
}

function text(message: Record<string, unknown>, field: string, pattern: RegExp): string {
  const value = message[field];
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw new MessageError(`${field} is missing or not usable`);
}

function whole(message: Record<string, unknown>, field: string, min: number, max: number): number {
  const value = message[field];
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw new MessageError(`${field} must be a whole number from ${min} to ${max}`);
}

/** Skills come by name, or as objects with a name beside their schemas. */
function skillNames(skills: unknown): string[] {
  if (skills === undefined) return [];
  if (!Array.isArray(skills) || skills.length > 200) throw new MessageError('skills must be a list of at most 200');
  return skills.map((skill: unknown) => {
    const name = typeof skill === 'string' ? skill : (skill as { name?: unknown } | null)?.name;
    if (typeof name !== 'string' || name.length === 0 || name.length > 128)
      throw new MessageError('a skill has a name of at most 128 characters');
    return name;
  });
}
