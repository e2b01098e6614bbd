import type { Failure } from './events.ts';
import { permanent, type GraphStep } from './graph.ts';
import type { Json } from './json.ts';
import { unitOf, type RunState, type UnitState } from './state.ts';

/** What an executor has said of an attempt: its last messages, and the last partial result. */
export interface Told {
  messages: { at: number; message: string; fraction?: number }[];
  partial?: Json;
}

/** What whoever goes on is given of the attempts before. */
export interface Handover {
  attempts: {
    number: number;
    agent: string;
    /** Epoch milliseconds; null: it never began. */
    startedAt: number | null;
    endedAt: number;
    code: string;
    detail: string;
    /** What was said last, the oldest first. */
    messages: Told['messages'];
    partial?: Json;
  }[];
}

/** Of one attempt so many messages are kept; of all attempts the last few are handed over. */
const messagesMax = 10;
const attemptsMax = 5;
/** A unit that was with so many agents in turn stays where it is. */
const movesMax = 20;

/** Keeps what an executor says. */
export function addTold(unit: UnitState, said: { at: number; message: string; fraction?: number; partial?: Json }): void {
  const { at, message, fraction, partial = unit.told?.partial } = said;
  const before = unit.told?.messages ?? [];
  const messages = [...before, { at, message, ...(fraction !== undefined && { fraction }) }].slice(-messagesMax);
  unit.told = { messages, ...(partial !== undefined && { partial }) };
}

/** Whether a failure may be followed by another agent: what is wrong with the task itself is wrong with every agent. */
export function mayPass({ code, isFinal }: Failure): boolean {
  return isFinal !== true && (code === 'not_found' || !permanent.includes(code));
}

/** Whether a unit may go to another agent, and if `agent` is given, to that one. */
export function mayTakeOver(state: RunState, s: number, i: number, agent?: string): boolean {
  const { failover, target } = state.graph.steps[s] as GraphStep;
  const unit = unitOf(state, s, i);
  if (failover === undefined || unit === undefined || unit.moves >= movesMax) return false;
  if (agent === undefined) return named(state, s, i)?.length !== 0;
  const own = unit.chosen ?? target;
  if (agent === (unit.agent ?? own) || unit.spent?.includes(agent) === true) return false;
  return failover.to === undefined || agent === own || failover.to.includes(agent);
}

/** The agents that the step names and that could take a unit over, the first first; undefined where any with its skill could. */
export function named(state: RunState, s: number, i: number): string[] | undefined {
  const { failover, target } = state.graph.steps[s] as GraphStep;
  const unit = unitOf(state, s, i);
  if (failover?.to === undefined) return undefined;
  const own = unit?.chosen ?? target;
  const current = unit?.agent ?? own;
  return [...new Set([own, ...failover.to])].filter((agent) => agent !== current && unit?.spent?.includes(agent) !== true);
}

/** What the agent that took a unit over is given; undefined where none did. */
export function handoverOf(state: RunState, s: number, i: number): Handover | undefined {
  const { failover, target } = state.graph.steps[s] as GraphStep;
  const unit = unitOf(state, s, i);
  if (failover === undefined || unit === undefined || unit.moves === 0) return undefined;
  const attempts = (unit.attempts ?? [])
    .slice(-attemptsMax)
    .map(({ n, agent = unit.chosen ?? target, startedAt = null, endedAt, error, told }) => ({
      number: n,
      agent,
      startedAt,
      endedAt,
      code: error.code,
      detail: error.detail,
      messages: told?.messages ?? [],
      ...(told?.partial !== undefined && { partial: told.partial }),
    }));
  return { attempts };
}
