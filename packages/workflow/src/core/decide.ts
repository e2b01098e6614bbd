import { askMore, takeAnswer, verdictOn } from './asking.ts';
import { recordLogs } from './attempt-log.ts';
import { onLost, resolve } from './crash.ts';
import { isLate, lateness } from './deadlines.ts';
import { advance, conclude, end, endAtOnce, onRunTimer } from './ending.ts';
import type { AttemptRef, Failure, RunEvent } from './events.ts';
import { bounds, type GraphStep } from './graph.ts';
import { isReady } from './gate.ts';
import { goOver } from './go-over.ts';
import { isEntering } from './limits.ts';
import { move } from './move.ts';
import { restOf } from './rest.ts';
import { bounded, guarded } from './scope.ts';
import { isOver, unitOf, type RunState, type StepState, type UnitState } from './state.ts';
import { record, type Given, type Turn, type Work } from './turn.ts';
import { onStranded } from './stranded.ts';
import { afterUnit, attempt, begin, denyShort, endWith, fail, failAtOnce, giveUp, goOnShort, succeed } from './units.ts';

/**
 * `(state, event) → (state', transitions, effects)`. The state is handed over and becomes state' in place; applying the transitions
 * to a copy of it gives the same. An event that means nothing any more (a timer of an attempt that has ended) changes nothing.
 */
export function decide(state: RunState, event: RunEvent, given: Given): Turn {
  const work: Work = { outcome: 'stale', transitions: [], effects: [], state, given, ready: [], filling: new Set() };
  if (event.type === 'start' ? state.status !== 'created' : state.status !== 'running') return answerEnded(work, event);
  // Of what was set aside nothing is taken but a person's word.
  if ((event.type === 'release' || event.type === 'abandon') !== (state.quarantine !== undefined)) return work;
  switch (event.type) {
    case 'start':
      record(work, {
        t: 'started',
        at: given.at,
        input: event.input,
        depth: event.depth,
        timeoutMs: Math.min(event.timeoutMs ?? Infinity, state.graph.timeoutMs, state.graph.budget?.timeMs ?? Infinity),
        ...(event.priority !== undefined && { priority: event.priority }),
        ...(event.parent !== undefined && { parent: event.parent }),
        ...(event.trace !== undefined && { trace: event.trace }),
        ...(event.link !== undefined && { link: event.link }),
        ...(event.epoch !== undefined && { epoch: event.epoch }),
        ...((event.budget ?? state.graph.budget) !== undefined && { budget: event.budget ?? {} }),
        ...(event.claims !== undefined && event.claims.length > 0 && { claims: event.claims }),
        ...(event.insteadOf !== undefined && { insteadOf: event.insteadOf }),
        ...(event.within !== undefined && event.within.length > 0 && { within: event.within }),
        ...(event.recorded !== undefined && { recorded: event.recorded }),
      });
      for (const kept of event.kept ?? []) record(work, { ...kept, at: given.at });
      if (isEntering(state)) work.effects.push({ e: 'enter', claims: state.claims, isIn: false });
      else beginAll(work);
      if (event.depth > bounds.depth) {
        // Without `finally`, which could start the same again.
        endAtOnce(work, {
          status: 'failed',
          reason: 'limited',
          error: {
            code: 'limited',
            isFinal: true,
            detail: `workflows start workflows more than ${bounds.depth} deep here`,
            next: 'Find the workflow that starts itself, or flatten the chain.',
          },
        });
      }
      break;
    case 'admitted':
      if (!isEntering(state)) return work;
      record(work, { t: 'admitted', at: given.at });
      work.effects.push({ e: 'enter', claims: state.claims, isIn: true }, { e: 'watch' });
      beginAll(work);
      break;
    case 'taken':
      record(work, { t: 'taken', at: given.at, epoch: event.epoch });
      break;
    case 'rest':
      if (restOf(state) === undefined) return work;
      record(work, { t: 'rested', at: given.at });
      break;
    case 'release':
      record(work, { t: 'released', at: given.at, by: event.by });
      break;
    case 'abandon':
      // Without `finally`, which could end its owner as well.
      endAtOnce(work, {
        status: 'failed',
        reason: 'quarantined',
        error: {
          code: 'internal',
          detail: `it was set aside, and failed by ${event.by}: ${state.quarantine as string}`,
          next: 'Look into the log of execution for what it says of this run; once that is mended, start it again or fork it.',
        },
      });
      break;
    case 'accepted': {
      const unit = openUnit(work, event);
      if (unit === undefined) return work;
      if (unit.status === 'running') {
        work.outcome = unit.instance === event.instance ? 'known' : 'stale';
        return work;
      }
      const { s, i, n, instance, at = given.at, version } = event;
      const optional = { ...(unit.agent !== undefined && { agent: unit.agent }), ...(version !== undefined && { version }) };
      record(work, { t: 'began', at, s, i, n, instance, ...optional });
      break;
    }
    case 'completed': {
      const unit = openUnit(work, event);
      if (unit === undefined) {
        const known = unitOf(state, event.s, event.i);
        if (isReported(known, event.n)) work.outcome = 'known';
        // It was given up for lost and is back with its result before anybody had said what follows.
        const isBack = known?.crash !== undefined && known.attempt === event.n && event.error === undefined;
        if (!isBack) return work;
        succeed(work, event, event.output ?? null, event.usage);
        break;
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
      onLost(work, event, unit, event.error);
      break;
    }
    case 'told': {
      const { s, i, n, message, fraction, partial } = event;
      // For whom nobody could take over, nothing is kept.
      if (openUnit(work, event)?.status !== 'running' || state.graph.steps[s]?.failover === undefined) return work;
      const said = { message, ...(fraction !== undefined && { fraction }), ...(partial !== undefined && { partial }) };
      record(work, { t: 'told', at: given.at, s, i, n, ...said });
      break;
    }
    case 'moved':
      work.outcome = move(work, event);
      if (work.outcome !== 'taken') return work;
      break;
    case 'stranded':
      work.outcome = onStranded(work, event);
      if (work.outcome !== 'taken') return work;
      break;
    case 'resolve':
      work.outcome = resolve(work, event);
      if (work.outcome !== 'taken') return work;
      break;
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
      if (event.error !== undefined) fail(work, ref, unit, event.error, false, undefined, event.spent);
      else succeed(work, ref, event.output ?? null, undefined, event.spent);
      break;
    }
    case 'upgrade':
      work.outcome = goOver(work, event);
      if (work.outcome !== 'taken') return work;
      break;
    case 'granted':
      if (state.budget?.above.has(event.scope) !== true) return work;
      record(work, { t: 'granted', at: given.at, scope: event.scope, more: event.more });
      break;
    case 'denied':
      if (state.short === 0) return work;
      denyShort(work, event.scope, event.error);
      break;
    case 'signal':
      if (state.signals.ids.has(event.id)) {
        work.outcome = 'known';
        return work;
      }
      if (state.signals.ids.size >= bounds.signals) return work;
      signal(work, event);
      break;
    case 'answer': {
      const verdict = verdictOn(state, event, given.at);
      if (verdict !== 'take') {
        work.outcome = verdict === 'known' ? 'known' : 'stale';
        return work;
      }
      const { approved, by, data, comment } = event;
      endWith(work, event, takeAnswer(work, event, { at: given.at, approved, by: { id: by.id, name: by.name }, data, comment }));
      break;
    }
    case 'cancel': {
      const { ending } = state;
      if (ending === undefined) end(work, { status: 'cancelled', reason: `cancelled by ${event.by}`, cancel: event.id });
      else if (ending.stage === 'undo' || event.id === undefined || event.id === ending.cancel) {
        // What undoes is not stopped halfway; and the same cancel again is one cancel.
        work.outcome = 'known';
        return work;
      } else conclude(work, undefined, event.by);
      break;
    }
  }
  work.outcome = 'taken';
  settle(work);
  recordLogs(work);
  return work;
}

function beginAll(work: Work): void {
  for (let s = 0; s < work.state.graph.steps.length; s++) beginOrGoOn(work, s);
}

/** At the start of a run, which may have been forked with some of its steps done and some items of others. */
function beginOrGoOn(work: Work, s: number): void {
  const step = work.state.steps[s] as StepState;
  if (work.state.graph.steps[s]?.part !== undefined) return;
  if (isReady(work.state, s)) work.ready.push(s);
  else if (step.status === 'open') afterUnit(work, s);
}

function answerEnded(work: Work, event: RunEvent): Turn {
  const { state } = work;
  if (event.type === 'start') work.outcome = 'known';
  else if (event.type === 'resolve' && unitOf(state, event.s, event.i)?.resolved === event.id) work.outcome = 'known';
  else if (event.type === 'cancel' && state.status === 'cancelled') work.outcome = 'known';
  else if (event.type === 'signal' && state.signals.ids.has(event.id)) work.outcome = 'known';
  else if (event.type === 'answer' && verdictOn(state, event, work.given.at) === 'known') work.outcome = 'known';
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
  const isResult = unit.status === 'succeeded' && unit.degraded === undefined;
  const isReportOfFailure = (unit.status === 'failed' || unit.degraded !== undefined) && !unit.isLost;
  if (unit.attempt === n && (isResult || isReportOfFailure)) return true;
  return unit.attempts?.some((attempt) => attempt.n === n && !attempt.isLost) ?? false;
}

function onTimer(work: Work, event: RunEvent & { type: 'due' }): boolean {
  const { state, given } = work;
  if (event.timer === 'run') return onRunTimer(work);
  const { s, i, n, timer } = event;
  const unit = unitOf(state, s, i);
  if (unit === undefined) return false;
  const step = state.graph.steps[s] as GraphStep;
  if (timer === 'wake') {
    if (unit.attempt !== n || unit.status !== 'waiting' || unit.due === undefined || given.at < unit.due) return false;
    if (unit.approval !== undefined && unit.approval.answer === undefined) {
      const result = askMore(work, event, unit.approval);
      if (result !== undefined) endWith(work, event, result);
    } else if (step.kind !== 'wait') attempt(work, s, i, n + 1);
    else if (unit.signal === undefined) succeed(work, event, null);
    else failAtOnce(work, s, i, notSignalled(unit.signal), n);
    return true;
  }
  if (!isLate(state, { s, i, n }, timer, given.at)) return false;
  const ref = { s, i, n: unit.attempt };
  if (unit.child !== undefined) work.effects.push({ e: 'cancelChild', run: unit.child });
  else if (unit.status !== 'waiting') work.effects.push({ e: 'attemptEnded', isCancelled: true, ...ref });
  const error = lateness(state, ref, timer);
  if (timer === 'total') giveUp(work, ref, error);
  else fail(work, ref, unit, error, true);
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

/** Begins what is ready until nothing is; when all of it has ended, so has the main graph, or what followed it. */
function settle(work: Work): void {
  const { state, ready } = work;
  if (isEntering(state)) return;
  for (let next = 0; state.status === 'running';) {
    for (; next < ready.length && state.status === 'running'; next++) begin(work, ready[next] as number);
    if (state.status === 'running' && state.short > 0 && goOnShort(work)) continue;
    if (state.status !== 'running' || state.left > 0) return;
    if (state.ending === undefined) endMain(work);
    else advance(work);
  }
}

function endMain(work: Work): void {
  const { graph, scope } = work.state;
  const output = guarded(() => bounded(graph.output(scope), '/spec/outputs'));
  if ('error' in output)
    end(work, { status: 'failed', reason: output.error.code === 'limited' ? 'limited' : 'failed', error: output.error });
  else end(work, { status: 'succeeded', reason: null, output: output.value });
}
