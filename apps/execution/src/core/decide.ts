import { end } from './ending.ts';
import type { AttemptRef, Failure, RunEvent } from './events.ts';
import { bounds, type GraphStep } from './graph.ts';
import { bounded, guarded } from './scope.ts';
import { isOver, unitOf, type RunState, type StepState, type UnitState } from './state.ts';
import { record, type Given, type Turn, type Work } from './turn.ts';
import { attempt, begin, fail, failAtOnce, fill, succeed } from './units.ts';

/**
 * `(state, event) → (state', transitions, effects)`. The state is handed over and becomes state' in place; applying the transitions
 * to a copy of it gives the same. An event that means nothing any more (a timer of an attempt that has ended) changes nothing.
 */
export function decide(state: RunState, event: RunEvent, given: Given): Turn {
  const work: Work = { outcome: 'stale', transitions: [], effects: [], state, given, ready: [], filling: new Set() };
  if (event.type === 'start' ? state.status !== 'created' : state.status !== 'running') return answerEnded(work, event);
  switch (event.type) {
    case 'start':
      record(work, {
        t: 'started',
        at: given.at,
        input: event.input,
        depth: event.depth,
        timeoutMs: Math.min(event.timeoutMs ?? Infinity, state.graph.timeoutMs),
        ...(event.parent !== undefined && { parent: event.parent }),
      });
      for (const kept of event.kept ?? []) record(work, { ...kept, at: given.at });
      for (let s = 0; s < state.graph.steps.length; s++) beginOrGoOn(work, s);
      if (event.depth > bounds.depth) {
        end(work, 'failed', 'limited', {
          code: 'limited',
          isFinal: true,
          detail: `workflows start workflows more than ${bounds.depth} deep here`,
          next: 'Find the workflow that starts itself, or flatten the chain.',
        });
      }
      break;
    case 'taken':
      record(work, { t: 'taken', at: given.at, epoch: event.epoch });
      break;
    case 'accepted': {
      const unit = openUnit(work, event);
      if (unit === undefined) return work;
      if (unit.status === 'running') {
        work.outcome = unit.instance === event.instance ? 'known' : 'stale';
        return work;
      }
      record(work, { t: 'began', at: given.at, s: event.s, i: event.i, n: event.n, instance: event.instance });
      break;
    }
    case 'completed': {
      const unit = openUnit(work, event);
      if (unit === undefined) {
        if (isReported(unitOf(state, event.s, event.i), event.n)) work.outcome = 'known';
        return work;
      }
      work.effects.push({ e: 'attemptEnded', isCancelled: false, s: event.s, i: event.i, n: event.n });
      if (event.error !== undefined) fail(work, event, unit, event.error, false, event.usage);
      else succeed(work, event, event.output ?? null, event.usage);
      break;
    }
    case 'lost': {
      const unit = openUnit(work, event);
      if (unit === undefined) return work;
      work.effects.push({ e: 'attemptEnded', isCancelled: true, s: event.s, i: event.i, n: event.n });
      fail(work, event, unit, event.error, true);
      break;
    }
    case 'due':
      if (!onTimer(work, event)) return work;
      break;
    case 'childEnded': {
      const unit = unitOf(state, event.s, event.i);
      if (unit === undefined || unit.child !== event.child) return work;
      if (isOver(unit.status)) {
        work.outcome = 'known';
        return work;
      }
      const ref = { s: event.s, i: event.i, n: unit.attempt };
      if (event.error !== undefined) fail(work, ref, unit, event.error, false);
      else succeed(work, ref, event.output ?? null);
      break;
    }
    case 'signal':
      if (state.signals.ids.has(event.id)) {
        work.outcome = 'known';
        return work;
      }
      if (state.signals.ids.size >= bounds.signals) return work;
      signal(work, event);
      break;
    case 'cancel':
      end(work, 'cancelled', `cancelled by ${event.by}`);
      break;
  }
  work.outcome = 'taken';
  settle(work);
  return work;
}

/** At the start of a run, which may have been forked with some of its steps done and some items of others. */
function beginOrGoOn(work: Work, s: number): void {
  const step = work.state.steps[s] as StepState;
  if (step.missing === 0 && step.status === 'pending') work.ready.push(s);
  else if (step.status === 'open') fill(work, s);
}

function answerEnded(work: Work, event: RunEvent): Turn {
  const { state } = work;
  if (event.type === 'start') work.outcome = 'known';
  else if (event.type === 'cancel' && state.status === 'cancelled') work.outcome = 'known';
  else if (event.type === 'signal' && state.signals.ids.has(event.id)) work.outcome = 'known';
  else if (event.type === 'completed' && isReported(unitOf(state, event.s, event.i), event.n)) work.outcome = 'known';
  else if (event.type === 'childEnded' && unitOf(state, event.s, event.i)?.child === event.child) work.outcome = 'known';
  return work;
}

function openUnit({ state }: Work, { s, i, n }: AttemptRef): UnitState | undefined {
  const unit = unitOf(state, s, i);
  return unit !== undefined && unit.attempt === n && (unit.status === 'queued' || unit.status === 'running') ? unit : undefined;
}

/** Whether the end of attempt `n` was reported and recorded, so that the same report may be acknowledged again. */
function isReported(unit: UnitState | undefined, n: number): boolean {
  if (unit === undefined) return false;
  if (unit.attempt === n && (unit.status === 'succeeded' || (unit.status === 'failed' && !unit.isLost))) return true;
  return unit.attempts?.some((attempt) => attempt.n === n && !attempt.isLost) ?? false;
}

function onTimer(work: Work, event: RunEvent & { type: 'due' }): boolean {
  const { state, given } = work;
  if (event.timer === 'run') {
    if (given.at < state.startedAt + state.timeoutMs) return false;
    end(work, 'failed', 'timeout', {
      code: 'timeout',
      detail: `the run took longer than its timeout of ${state.timeoutMs} ms`,
      next: 'Raise the timeout of the workflow, or look at what its slowest step waits for.',
    });
    return true;
  }
  const unit = unitOf(state, event.s, event.i);
  if (unit === undefined || unit.attempt !== event.n) return false;
  const { kind, timeoutMs } = state.graph.steps[event.s] as GraphStep;
  if (event.timer === 'wake') {
    if (unit.status !== 'waiting' || unit.due === undefined || given.at < unit.due) return false;
    if (kind !== 'wait') attempt(work, event.s, event.i, event.n + 1);
    else if (unit.signal === undefined) succeed(work, event, null);
    else failAtOnce(work, event.s, event.i, notSignalled(unit.signal), event.n);
    return true;
  }
  if (unit.status !== 'running' || given.at < (unit.startedAt ?? 0) + timeoutMs) return false;
  work.effects.push({ e: 'attemptEnded', isCancelled: true, s: event.s, i: event.i, n: event.n });
  const detail = `attempt ${event.n} took longer than its timeout of ${timeoutMs} ms`;
  fail(work, event, unit, { code: 'timeout', detail, next: 'Raise the timeout of the step, or make its work smaller.' }, true);
  return true;
}

function notSignalled(name: string): Failure {
  return { code: 'timeout', detail: `the signal ${name} did not come in time`, next: 'Send it earlier, or let the step wait longer.' };
}

/** Gives a signal to the step that has waited for it longest in the order of the workflow, or keeps it for the next that will. */
function signal(work: Work, { id, hash, name, data }: RunEvent & { type: 'signal' }): void {
  const { state, given } = work;
  record(work, { t: 'signalled', at: given.at, id, hash, name, data });
  for (let s = 0; s < state.steps.length; s++) {
    const step = state.steps[s] as StepState;
    if (step.status !== 'open' || (state.graph.steps[s] as GraphStep).kind !== 'wait') continue;
    const index = step.units.findIndex((unit) => unit.status === 'waiting' && unit.signal === name);
    if (index < 0) continue;
    const [first = null] = state.signals.open.get(name) ?? [];
    return succeed(work, { s, i: step.isFanned ? index : -1, n: 1 }, first);
  }
}

/** Begins what is ready until nothing is, then ends the run if every step has ended. */
function settle(work: Work): void {
  const { state } = work;
  for (let next = 0; next < work.ready.length && state.status === 'running'; next++) begin(work, work.ready[next] as number);
  if (state.status !== 'running' || state.left > 0) return;
  const output = guarded(() => bounded(state.graph.output(state.scope), '/spec/outputs'));
  if ('error' in output) end(work, 'failed', output.error.code === 'limited' ? 'limited' : 'failed', output.error);
  else end(work, 'succeeded', null, undefined, output.value);
}
