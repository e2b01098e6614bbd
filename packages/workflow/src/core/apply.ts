import { applyApproval } from './approval.ts';
import { goBy } from './counterfactual.ts';
import { addTold } from './failover.ts';
import { newRunBudget, usedOf, add, widened, type RunBudget } from './budget.ts';
import type { Transition, Usage } from './events.ts';
import { goesOn, type Graph, type GraphStep, type StepError } from './graph.ts';
import { openGate, passGate } from './gate.ts';
import { sizeOf } from './json.ts';
import { answerOf, fatalOf } from './llm.ts';
import { outcomeOf } from './repeat.ts';
import { applyRaise, hold, settleHold } from './spending.ts';
import { hasToUndo, isOver, isToUndo, newUnit, unitOf, type Ending, type RunState, type StepState, type UnitState } from './state.ts';
import { goOverTo } from './upgrade.ts';

/** Definitions that runs went over to, by their hashes. */
export type Graphs = ReadonlyMap<string, Graph>;
const none: Graphs = new Map();

/**
 * Makes `state` what it is after `transition`. In place: a copy at each completion would make wide maps quadratic, and the owner is
 * the only one who holds a live run.
 */
export function applyTransition(state: RunState, transition: Transition, graphs: Graphs = none): void {
  switch (transition.t) {
    case 'started':
      state.status = 'running';
      state.input = transition.input;
      state.depth = transition.depth;
      state.timeoutMs = transition.timeoutMs;
      state.priority = transition.priority;
      state.parent = transition.parent;
      state.trace = transition.trace;
      state.link = transition.link;
      state.epoch = transition.epoch ?? state.epoch;
      state.claims = transition.claims ?? [];
      state.within = transition.within ?? [];
      state.insteadOf = transition.insteadOf;
      state.startedAt = transition.at;
      state.scope.input = transition.input;
      state.scope.run.startedAt = new Date(transition.at).toISOString();
      if (transition.recorded !== undefined) goBy(state, transition.recorded);
      if (transition.budget !== undefined) state.budget = newRunBudget(state.graph.budget, transition.budget);
      return;
    case 'upgraded': {
      const graph = graphs.get(transition.to);
      if (graph === undefined) throw new Error(`the definition ${transition.to} that the run went over to is not given`);
      if (transition.budget !== undefined) state.budget = widened(state.budget, transition.budget);
      return goOverTo(state, graph, transition.timeoutMs);
    }
    case 'admitted':
      state.admittedAt = transition.at;
      return;
    case 'taken':
      state.epoch = transition.epoch;
      return;
    case 'rested':
      return;
    case 'quarantined':
      state.epoch = transition.epoch;
      state.quarantine = transition.because;
      return;
    case 'released':
      state.quarantine = undefined;
      return;
    case 'skipped': {
      const step = stepAt(state, transition.s);
      for (const unit of step.units) endUnit(unit, 'skipped', transition.at);
      step.output = null;
      endStep(state, transition.s, 'skipped');
      return;
    }
    case 'fanned': {
      const step = stepAt(state, transition.s);
      step.isFanned = true;
      step.status = 'open';
      step.units = Array.from({ length: transition.count }, newUnit);
      step.left = transition.count;
      state.units += transition.count - 1;
      skipWhatWasNotDone(state, transition.s, transition.at);
      openGate(state, transition.s, transition.needs);
      return;
    }
    case 'more': {
      const step = stepAt(state, transition.s);
      for (let count = transition.count; count > 0; count--) step.units.push(newUnit());
      step.left += transition.count;
      state.units += transition.count;
      return;
    }
    case 'grew': {
      const step = stepAt(state, transition.s);
      if (step.grown === undefined) {
        step.grown = [];
        step.grownAt = transition.at;
        step.isFanned = true;
        step.status = 'open';
        step.units = [];
        step.left = 0;
        state.units--;
      }
      step.grown.push(...transition.units);
      step.units.push(...transition.units.map(newUnit));
      step.left += transition.units.length;
      state.units += transition.units.length;
      return;
    }
    case 'queued':
    case 'child': {
      const step = stepAt(state, transition.s);
      const unit = unitAt(state, transition);
      const isNew = unit.status === 'pending';
      notShort(state, unit);
      hold(state, transition.s, unit, transition.holds);
      if (transition.t === 'queued' && transition.model !== undefined) {
        unit.agent = transition.model;
        unit.base = transition.n - 1;
        const { cheap } = transition;
        if (cheap !== undefined) (cheap === 'run' ? (state.budget as RunBudget) : (step.budget as RunBudget)).isCheap = true;
      }
      unit.attempt = transition.n;
      unit.due = undefined;
      unit.instance = undefined;
      unit.startedAt = undefined;
      unit.queuedAt = transition.at;
      unit.firstAt ??= transition.at;
      unit.told = undefined;
      if (transition.t === 'queued') {
        unit.status = 'queued';
        if (transition.agent !== undefined && unit.agent === undefined) unit.chosen = transition.agent;
      } else {
        unit.status = 'waiting';
        unit.child = transition.run;
        unit.startedAt = transition.at;
      }
      if (isNew) opened(step);
      return;
    }
    case 'short': {
      const unit = unitAt(state, transition);
      const isNew = unit.status === 'pending';
      if (unit.short === undefined) state.short++;
      unit.short = { of: transition.of, wants: transition.wants };
      unit.attempt = transition.n;
      unit.status = 'waiting';
      unit.due = undefined;
      unit.firstAt ??= transition.at;
      if (isNew) opened(stepAt(state, transition.s));
      return;
    }
    case 'granted': {
      const account = state.budget?.above.get(transition.scope);
      if (account === undefined) throw new Error(`the run has no budget ${transition.scope}`);
      add(account.limit, transition.more);
      return;
    }
    case 'asks':
    case 'waits': {
      const step = stepAt(state, transition.s);
      const unit = unitAt(state, transition);
      const isNew = unit.status === 'pending';
      notShort(state, unit);
      unit.attempt = transition.n;
      unit.status = 'waiting';
      if (isNew) opened(step);
      unit.queuedAt = transition.at;
      unit.startedAt = transition.at;
      unit.firstAt ??= transition.at;
      if (transition.t === 'asks') return applyApproval(unit, transition);
      unit.due = transition.due;
      unit.signal = transition.signal;
      return;
    }
    case 'answered': {
      const unit = unitAt(state, transition);
      const raise = unit.approval?.raise;
      state.bytes += sizeOf(transition.data);
      if (raise !== undefined) applyRaise(state, transition.s, raise, transition.approved, transition.data);
      return applyApproval(unit, transition);
    }
    case 'escalated':
    case 'reminded':
      return applyApproval(unitAt(state, transition), transition);
    case 'signalled': {
      const { ids, open } = state.signals;
      ids.set(transition.id, transition.hash);
      open.set(transition.name, [...(open.get(transition.name) ?? []), transition.data]);
      state.bytes += sizeOf(transition.data);
      return;
    }
    case 'began': {
      const unit = unitAt(state, transition);
      unit.status = 'running';
      unit.instance = transition.instance;
      unit.startedAt = transition.at;
      unit.version = transition.version;
      return;
    }
    case 'told':
      return addTold(unitAt(state, transition), transition);
    case 'logged': {
      const { n, lines, dropped = 0 } = transition;
      (unitAt(state, transition).logs ??= []).push({ n, lines, dropped });
      state.logBytes += sizeOf(lines);
      return;
    }
    case 'retrying':
    case 'seeking': {
      const unit = unitAt(state, transition);
      (unit.attempts ??= []).push({
        n: transition.n,
        agent: unit.agent,
        instance: unit.instance,
        startedAt: unit.startedAt,
        endedAt: transition.at,
        error: transition.error,
        isLost: transition.isLost === true,
        ...(unit.told && { told: unit.told }),
        ...(transition.usage !== undefined && { usage: transition.usage }),
      });
      addUsage(state, unit, transition.usage);
      settled(state, unit, transition);
      unit.status = 'waiting';
      unit.crash = undefined;
      unit.instance = undefined;
      unit.child = undefined;
      if (transition.t === 'seeking') {
        unit.due = undefined;
        unit.isSeeking = true;
        (unit.spent ??= []).push(unit.agent ?? unit.chosen ?? (state.graph.steps[transition.s] as GraphStep).target);
        return;
      }
      unit.due = transition.due;
      if (transition.agent !== undefined) takeOver(unit, transition.agent, transition.n);
      return;
    }
    case 'moved': {
      const unit = unitAt(state, transition);
      unit.isSeeking = false;
      return takeOver(unit, transition.agent, transition.n);
    }
    case 'succeeded':
    case 'degraded':
    case 'failed': {
      const step = stepAt(state, transition.s);
      const unit = unitAt(state, transition);
      // A value, what a fork keeps, or a step whose expression failed ends without ever having been queued.
      const isNew = unit.status === 'pending';
      settled(state, unit, transition);
      notShort(state, unit);
      unit.attempt = transition.n;
      endUnit(unit, transition.t === 'degraded' ? standIn(transition) : transition.t, transition.at);
      if (isNew) opened(step);
      step.open--;
      step.left--;
      addUsage(state, unit, transition.usage);
      passGate(state, transition.s, transition.i);
      if (transition.t === 'failed') {
        unit.error = transition.error;
        const { raise, answer } = unit.approval ?? {};
        if (raise !== undefined && answer === undefined) applyRaise(state, transition.s, raise, false);
        unit.isLost = transition.isLost === true;
        step.failures++;
        const compiled = state.graph.steps[transition.s] as GraphStep;
        // Of items that may fail each goes on for itself, and the join ends the step.
        const isForItself = goesOn(compiled) || compiled.maxFailures !== undefined || step.grown !== undefined;
        const isJoined = step.isFanned && isForItself && compiled.repeat === undefined;
        if (step.status === 'open' && !isJoined) endStep(state, transition.s, 'failed');
        return;
      }
      unit.isKept = transition.isKept === true;
      if (transition.t === 'degraded') {
        unit.degraded = transition.error;
        unit.isLost = transition.isLost === true;
        state.degraded++;
      } else unit.chosen ??= transition.agent;
      if (transition.output === undefined) {
        if (step.isFanned) return;
        step.output = null;
        return endStep(state, transition.s, 'skipped');
      }
      unit.output = transition.output;
      if (unit.signal !== undefined) takeSignal(state, unit.signal);
      state.bytes += sizeOf(transition.output);
      if (!step.isFanned) {
        step.output = transition.output;
        endStep(state, transition.s, 'succeeded');
      }
      return;
    }
    case 'joined': {
      const step = stepAt(state, transition.s);
      const compiled = state.graph.steps[transition.s] as GraphStep;
      step.end = transition.end;
      if (transition.end !== undefined) step.output = outcomeOf(compiled, step, transition.end);
      else if (step.grown !== undefined) step.output = answerOf(compiled, step);
      else step.output = step.units.map((unit) => unit.output ?? null);
      endStep(state, transition.s, 'succeeded');
      return;
    }
    case 'crashed': {
      const unit = unitAt(state, transition);
      unit.status = 'waiting';
      unit.crash = transition.error;
      return;
    }
    case 'resolved':
      unitAt(state, transition).resolved = transition.id;
      return;
    case 'stopped': {
      const step = stepAt(state, transition.s);
      for (const unit of step.units) if (!isOver(unit.status)) letGo(state, transition.s, unit, 'cancelled', transition.at);
      step.open = 0;
      step.left = 0;
      endStep(state, transition.s, 'failed');
      return;
    }
    case 'ending': {
      const { at, status, reason, output, error, cancel } = transition;
      state.ending = { stage: undefined, status, reason, output, error, cancel, since: at, isUndone: false };
      cancelOpen(state, undefined, at);
      return;
    }
    case 'entered': {
      const ending = state.ending as Ending;
      if (transition.stage === 'finally') cancelOpen(state, 'undo', transition.at);
      else ending.isUndone = true;
      ending.stage = transition.stage;
      ending.since = transition.at;
      state.reason = transition.stage === 'undo' ? 'undoing' : 'finishing';
      state.left = state.graph.steps.filter(({ part }) => part === transition.stage).length;
      return;
    }
    case 'ended':
      state.status = transition.status;
      state.reason = transition.reason;
      state.quarantine = undefined;
      state.endedAt = transition.at;
      state.output = transition.output;
      state.error = transition.error;
      for (const part of [undefined, 'undo', 'finally'] as const) cancelOpen(state, part, transition.at);
      return;
  }
}

/** Ends what has not ended of one part of the graph. What never came to undo anything was skipped. */
function cancelOpen(state: RunState, part: GraphStep['part'], at: number): void {
  state.steps.forEach((step, s) => {
    const compiled = state.graph.steps[s] as GraphStep;
    if (compiled.part !== part || (step.left === 0 && step.status !== 'pending' && step.status !== 'open')) return;
    const { undoes } = compiled;
    const isIdle = undoes !== undefined && step.status === 'pending' && !(state.ending?.isUndone === true && hasToUndo(state, undoes));
    const status = isIdle ? 'skipped' : 'cancelled';
    for (const unit of step.units) if (!isOver(unit.status)) letGo(state, s, unit, status, at);
    if (step.status === 'pending' || step.status === 'open') step.status = status;
    // Those that follow look at every step.
    state.scope.steps[compiled.key] ??= { output: null, status: step.status, errors: errorsOf(step) };
  });
}

/** Only those items are undone that this run has done. */
function skipWhatWasNotDone(state: RunState, s: number, at: number): void {
  const { undoes } = state.graph.steps[s] as GraphStep;
  if (undoes === undefined) return;
  const step = stepAt(state, s);
  step.units.forEach((unit, i) => {
    if (isToUndo(state, undoes, i)) return;
    endUnit(unit, 'skipped', at);
    step.left--;
  });
  passBegun(step);
}

function errorsOf(step: StepState): StepError[] {
  const { isFanned, units } = step;
  if (step.grown !== undefined) {
    const fatal = fatalOf(step);
    return fatal === undefined ? [] : [{ index: null, code: fatal.code, detail: fatal.detail }];
  }
  return units.flatMap(({ degraded, error = degraded }, index) =>
    error === undefined ? [] : [{ index: isFanned ? index : null, code: error.code, detail: error.detail }],
  );
}

function addUsage(state: RunState, unit: UnitState, added: Usage | undefined): void {
  if (added === undefined) return;
  unit.usage ??= { inputTokens: 0, outputTokens: 0, costUsd: 0 };
  for (const usage of [state.usage, unit.usage]) {
    usage.inputTokens += added.inputTokens;
    usage.outputTokens += added.outputTokens;
    usage.costUsd += added.costUsd;
  }
}

/** What its attempt had set aside is spent as far as it was used. */
function settled(
  state: RunState,
  unit: UnitState,
  { s, usage, spent }: Transition & { t: 'retrying' | 'seeking' | 'succeeded' | 'degraded' | 'failed' },
): void {
  const { holds } = unit;
  if (holds === undefined) return;
  const used = spent !== undefined ? { ...spent, steps: Math.min(holds.steps, spent.steps + 1) } : usage && usedOf(holds, usage);
  settleHold(state, s, unit, used, usage !== undefined);
}

/** Nobody will hear how it ends. */
function letGo(state: RunState, s: number, unit: UnitState, status: 'cancelled' | 'skipped', at: number): void {
  settleHold(state, s, unit, undefined);
  notShort(state, unit);
  endUnit(unit, status, at);
}

function notShort(state: RunState, unit: UnitState): void {
  if (unit.short === undefined) return;
  unit.short = undefined;
  state.short--;
}

/** The step that waited for it has its data: the next of this name is another's. */
function takeSignal({ signals }: RunState, name: string): void {
  const [, ...rest] = signals.open.get(name) ?? [];
  if (rest.length > 0) signals.open.set(name, rest);
  else signals.open.delete(name);
}

function standIn({ output }: Transition & { t: 'degraded' }): 'succeeded' | 'skipped' {
  return output === undefined ? 'skipped' : 'succeeded';
}

function stepAt(state: RunState, s: number): StepState {
  const step = state.steps[s];
  if (step === undefined) throw new Error(`the workflow has no step ${s}`);
  return step;
}

function unitAt(state: RunState, { s, i }: { s: number; i: number }): UnitState {
  const unit = unitOf(state, s, i);
  if (unit === undefined) throw new Error(`step ${s} has no item ${i}`);
  return unit;
}

/** The definitions that a run went over to, as its journal names them. */
export function upgradesIn(transitions: Iterable<Transition>): string[] {
  const hashes = new Set<string>();
  for (const transition of transitions) if (transition.t === 'upgraded') hashes.add(transition.to);
  return [...hashes];
}

/** Another agent goes on, with attempts of its own. */
function takeOver(unit: UnitState, agent: string, n: number): void {
  unit.agent = agent;
  unit.base = n;
  unit.moves++;
}

/** One more of its units has begun. */
function opened(step: StepState): void {
  step.status = 'open';
  step.open++;
  passBegun(step);
}

function passBegun(step: StepState): void {
  const { gate, units } = step;
  if (gate !== undefined) while (gate.at < gate.ready.length && units[gate.ready[gate.at] as number]?.status !== 'pending') gate.at++;
  while (step.next < step.units.length && step.units[step.next]?.status !== 'pending') step.next++;
}

function endUnit(unit: UnitState, status: 'succeeded' | 'failed' | 'skipped' | 'cancelled', at: number): void {
  unit.status = status;
  unit.endedAt = at;
  unit.due = undefined;
  unit.crash = undefined;
  unit.isSeeking = false;
}

function endStep(state: RunState, s: number, status: 'succeeded' | 'failed' | 'skipped'): void {
  const step = stepAt(state, s);
  step.status = status;
  step.items = undefined;
  state.left--;
  const { key, dependents } = state.graph.steps[s] as GraphStep;
  state.scope.steps[key] = { output: step.output ?? null, status, errors: errorsOf(step) };
  for (const dependent of dependents) {
    const waiting = stepAt(state, dependent);
    if (state.graph.steps[dependent]?.stream !== s) waiting.missing--;
    if (status === 'skipped') waiting.skippedNeeds++;
  }
}
