import { recordedAnswers } from '../core/counterfactual.ts';
import { decide } from '../core/decide.ts';
import type { Effect, RunEvent } from '../core/events.ts';
import { isSameJson } from '../core/json.ts';
import { targetOf, workOf } from '../core/scope.ts';
import { hasEnded, newRun, unitOf, type RunState } from '../core/state.ts';

/** What may follow in a run that goes by a recorded one: nothing that anybody else sees. */
const allowed: ReadonlySet<Effect['e']> = new Set<Effect['e']>(['dispatch', 'wakeAt', 'attemptEnded', 'ended']);

/**
 * Does an ended run again with an agent that answers as it did: that agent alone is asked, by its version, and where nothing of the run had failed all comes to the same.
 * Throws where not. False: the agent was not asked in it.
 */
export function checkCounterfactual(of: RunState, agent: string): boolean {
  const answers = recordedAnswers(of, agent);
  // A run that went over to another definition is done again by that, not by its own mixture of both.
  if (answers === undefined || of.graph.steps.some(({ isRemoved }) => isRemoved === true)) return false;
  const state = newRun(of.run, of.graph);
  const given = { at: of.startedAt, random: () => 0.5, newRunId: () => never('starts a run'), newId: () => never('asks somebody') };
  const recorded = { run: { ...of.scope.run }, agent, version: 7, answers };
  const events: RunEvent[] = [{ type: 'start', input: of.input, depth: 0, recorded }];
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    for (const effect of decide(state, event, given).effects) {
      if (!allowed.has(effect.e)) never(effect.e);
      if (effect.e === 'wakeAt' && effect.timer === 'wake') {
        given.at = Math.max(given.at, effect.due);
        events.push({ type: 'due', timer: 'wake', s: effect.s, i: effect.i, n: effect.n });
      }
      if (effect.e !== 'dispatch') continue;
      const { s, i, n } = effect;
      const { kind, target, version } = workOf(state, s, i);
      if (kind !== 'agent' || target !== agent || version !== 7) never(`asks ${targetOf(state, s, i)}`);
      const { output = null, error = { code: 'invalid', detail: 'it was not asked this' } } = unitOf(of, s, i) ?? {};
      const isDone = unitOf(of, s, i)?.status === 'succeeded';
      events.push({ type: 'completed', s, i, n, ...(isDone ? { output } : { error: { ...error, isFinal: true } }) });
    }
  }
  if (!hasEnded(state)) never('does not end');
  // Who took a turn over is seen by what follows it.
  const units = of.steps.flatMap((step) => step.units);
  const isWhole =
    of.status === 'succeeded' &&
    units.every(({ status, agent: other }) => status === 'skipped' || (status === 'succeeded' && other === undefined));
  if (isWhole && !(state.status === 'succeeded' && isSameJson(state.output ?? null, of.output ?? null)))
    never(`${state.status}, ${state.reason}: ${state.error?.detail}`);
  return true;
}

function never(what: string): never {
  throw new Error(`a run that is done again by what is recorded ${what}`);
}
