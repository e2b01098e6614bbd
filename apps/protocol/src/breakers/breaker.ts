import { heldBackText } from '@signalbox/shared/contracts/protocol/breaker.js';
import type { BreakerState } from '@signalbox/shared/contracts/registry/agent.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** The longest that a breaker stays open before it lets a call try. */
export const openMaxMs = 120_000;

/** What a breaker guards: `agent/<name>`; without an agent, `mcp-server/<name>` for tools and `model/<name>` for models. */
export type BreakerTarget = `agent/${string}` | `mcp-server/${string}` | `model/${string}`;

/** A breaker as it is kept. */
export interface StoredBreaker {
  target: string;
  state: BreakerState;
  version: number;
  /** How often in a row it has opened. */
  openings: number;
  since: Date;
  retryAt: Date | null;
  reason: string | null;
}

/** Whether a fault says that the target itself is in trouble; a wrong input or a caller who gave up says nothing of it. */
export function isTargetsFault(thrown: unknown): boolean {
  return thrown instanceof Fault && (thrown.code === 'unavailable' || thrown.code === 'timeout' || thrown.code === 'limited');
}

/** How long a breaker stays open the nth time in a row; at least as long as the target asked for. */
export function openMs(openings: number, firstMs: number, askedMs = 0): number {
  return Math.max(Math.min(firstMs * 2 ** Math.min(openings - 1, 20), openMaxMs), Math.min(askedMs, openMaxMs));
}

/** What callers of an open breaker are told. */
export function openFault(target: string, retryAfterMs: number, reason: string | null): Fault {
  return new Fault(
    'unavailable',
    `${heldBackText(target)}, since it failed several times in a row${reason === null ? '' : ` (last: ${reason})`}`,
    'It is tried again by itself; a `fallback` in the step names another agent or model for this time.',
    { retryAfterMs: Math.max(Math.ceil(retryAfterMs), 1) },
  );
}
