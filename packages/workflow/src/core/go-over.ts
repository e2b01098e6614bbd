import type { RunEvent } from './events.ts';
import { isReady } from './gate.ts';
import { isEntering } from './limits.ts';
import { record, type Turn, type Work } from './turn.ts';
import { incompatibilities } from './upgrade.ts';

/** The run goes over to another definition, if it can. The same one changes nothing. */
export function goOver(work: Work, { graph, by, budget }: RunEvent & { type: 'upgrade' }): Turn['outcome'] {
  const { state, given } = work;
  const from = state.graph.hash;
  if (graph.hash === from) return 'known';
  if (incompatibilities(state, graph).length > 0) return 'stale';
  // A run that was given less time than its workflow has keeps to that.
  const timeoutMs = state.timeoutMs < state.graph.timeoutMs ? Math.min(state.timeoutMs, graph.timeoutMs) : graph.timeoutMs;
  const upgraded = { t: 'upgraded' as const, at: given.at, from, to: graph.hash, by, timeoutMs, ...(budget && { budget }) };
  record(work, upgraded, new Map([[graph.hash, graph]]));
  work.effects.push({ e: 'watch' });
  if (isEntering(state)) return 'taken';
  state.graph.steps.forEach(({ part }, s) => {
    if (part === undefined && isReady(state, s)) work.ready.push(s);
  });
  return 'taken';
}
