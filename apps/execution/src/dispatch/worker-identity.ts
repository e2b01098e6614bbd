import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';

/** An agent's own key works for that agent alone; for others there is, to it, no such agent. */
export function requireWorkerOf({ principal, name }: Pick<Caller, 'principal' | 'name'>, agent: string): void {
  if (!principal.startsWith('agent_') || name === agent) return;
  throw new Fault('not_found', `there is no agent ${agent}`, 'Use the key of that agent.');
}
