import { ExpressionError, type Graph, type GraphStep, type Scope } from './graph.ts';
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

/** A limit that an attempt, or a run, needs a place of before it may begin. */
export interface LimitClaim extends LimitNumbers {
  name: string;
  key: string;
  /** Of a run: where there are more than places, the older ones end for the newer ones. */
  replaces?: true;
}

/** Which limit of a workspace. */
export type LimitKey = Pick<LimitClaim, 'name' | 'key'>;

/** What is known of a run before it begins. */
export interface StartScope {
  input: Json;
  labels: Record<string, string>;
}

/** One limit of a workflow's runs: all runs of a workspace with the same name and key share it. */
export interface RunLimitPolicy extends LimitNumbers {
  name: string;
  /** Absent: one limit for all. */
  key?: (start: StartScope) => Json;
  /** Where it stands in the workflow file. */
  pointer: string;
}

/** What the runs of a workflow need places of, and what becomes of a start that finds none free: the run waits, there is none, or an older run is cancelled for it. */
export interface RunLimits {
  limits: readonly RunLimitPolicy[];
  onLimit: 'queue' | 'refuse' | 'replace';
}

/** Stands before the name of a limit of runs: a step's limit of the same name is another. No name has a slash. */
export const ofRuns = 'runs/';

/** 1 goes first, 5 last. */
export const priorities = [1, 2, 3, 4, 5] as const;
/** What has no priority of its own. */
export const priorityDefault = 3;
const keyMax = 255;

/** How urgent the start of a run is: as it says, else its workflow. */
export function runPriorityOf(graph: Graph, priority: number | undefined): number {
  return priority ?? graph.priority ?? priorityDefault;
}

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

/**
 * The places that a run needs before it begins, in the order in which it takes them. Of a limit that a run above it has a place of (`within`) it needs
 * none: it would wait for what waits for it. Throws `ExpressionError` where a key cannot be computed.
 */
export function runClaimsOf({ runLimits }: Graph, start: StartScope, within: readonly LimitKey[] = []): LimitClaim[] {
  const claims = (runLimits?.limits ?? []).map(({ name, key, pointer, ...numbers }) => ({
    name: `${ofRuns}${name}`,
    key: key === undefined ? '' : keyText(key(start), pointer),
    ...numbers,
    ...(runLimits?.onLimit === 'replace' && numbers.concurrency !== undefined && { replaces: true as const }),
  }));
  return claims.filter((claim) => !within.some(({ name, key }) => name === claim.name && key === claim.key));
}

/** Whether a run waits for its places: nothing of it has begun. */
export function isEntering({ status, claims, admittedAt }: RunState): boolean {
  return status === 'running' && claims.length > 0 && admittedAt === undefined;
}

/** What a run waits for before it begins, as its reason. */
export function enteringReason({ claims = [] }: { claims?: readonly LimitClaim[] }): string {
  return `waits for ${claims.map(limitText).join(', ')}`;
}

/** Whether a run that is under way has places which others wait for. Of a rate alone there is nothing to give back. */
export function hasPlaces({ status, claims, admittedAt }: RunState): boolean {
  return status === 'running' && admittedAt !== undefined && claims.some(({ concurrency }) => concurrency !== undefined);
}

/** The limits that a child run is within: those that this run, or a run above it, has places of. */
export function heldBy({ claims, within }: RunState): LimitKey[] {
  return [...within, ...claims.map(({ name, key }) => ({ name, key }))];
}

/** How people name it: `limit:customer/acme`, of runs `runs:customer/acme`. */
export function limitText({ name, key }: LimitKey): string {
  const of = name.startsWith(ofRuns) ? `runs:${name.slice(ofRuns.length)}` : `limit:${name}`;
  return key === '' ? of : `${of}/${key}`;
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
