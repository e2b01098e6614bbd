import { ExpressionError, type GraphStep, type Scope } from './graph.ts';
import type { Json } from './json.ts';
import { scopeOf } from './scope.ts';
import type { RunState } from './state.ts';

/** How many attempts may be under way at once, and how often one may begin: `max` in `perMs`, of which `burst` at once. */
export interface LimitNumbers {
  concurrency?: number;
  rate?: { max: number; perMs: number; burst: number };
}

/** One limit of a step: all steps of a workspace with the same name and key share it. */
export interface LimitPolicy extends LimitNumbers {
  name: string;
  /** Absent: one limit for all. */
  key?: (scope: Scope) => Json;
  /** Where it stands in the workflow file. */
  pointer: string;
}

/** A limit that an attempt needs a place of before it may begin. */
export interface LimitClaim extends LimitNumbers {
  name: string;
  key: string;
}

/** 1 goes first, 5 last. */
export const priorities = [1, 2, 3, 4, 5] as const;
/** What has no priority of its own. */
export const priorityDefault = 3;
const keyMax = 255;

/** How urgent a step of a run is: as its start says, else the step, else the workflow. */
export function priorityOf({ priority, graph }: RunState, s: number): number {
  return priority ?? graph.steps[s]?.priority ?? graph.priority ?? priorityDefault;
}

/**
 * The places that an attempt of a unit needs, in the order in which it takes them, which is the same for all steps: none waits for another in a
 * circle. Throws `ExpressionError` where a key cannot be computed.
 */
export function claimsOf(state: RunState, s: number, i: number): LimitClaim[] {
  const { limits, kind } = state.graph.steps[s] as GraphStep;
  // Of a conversation the calls of its model are limited, not what the model calls.
  if (limits === undefined || (kind === 'llm' && state.steps[s]?.grown?.[i]?.k !== 'model')) return [];
  const scope = scopeOf(state, s, kind === 'llm' ? -1 : i);
  return limits.map(({ name, key, pointer, ...numbers }) => ({
    name,
    key: key === undefined ? '' : keyText(key(scope), pointer),
    ...numbers,
  }));
}

function keyText(value: Json, pointer: string): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
    throw new ExpressionError(`the key of a limit must be a text, a number, true or false, not ${what}`, `${pointer}/key`);
  }
  const text = String(value);
  if (text.length > keyMax || text.includes('\0'))
    throw new ExpressionError(`the key of a limit has more than ${keyMax} characters, or one that no text has`, `${pointer}/key`);
  return text;
}
