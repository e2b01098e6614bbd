import { heldBackTarget } from '@signalbox/shared/contracts/protocol/breaker.js';
import { causeKinds, type Cause, type CauseCount, type CauseKind } from '@signalbox/shared/contracts/execution/why-run.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { Approval } from '@signalbox/workflow/core/approval.js';
import { unitBefore } from '@signalbox/workflow/core/gate.js';
import { enteringReason, isEntering, limitText, type LimitKey } from '@signalbox/workflow/core/limits.js';
import { keyOf, targetOf } from '@signalbox/workflow/core/scope.js';
import type { Failure } from '@signalbox/workflow/core/events.js';
import type { FailoverPolicy, GraphStep } from '@signalbox/workflow/core/graph.js';
import { isAbove, type Shortage } from '@signalbox/workflow/core/spending.js';
import { hasEnded, isOver, type RunState, type StepState, type UnitState } from '@signalbox/workflow/core/state.js';
import { isStranding } from '../dispatch/failovers.ts';
import type { QueueCause } from '../dispatch/queue-cause.ts';
import type { FoundRun } from './run-finder.ts';
import { shortText } from '@signalbox/workflow/views/budget-view.js';
import { failureView } from '@signalbox/workflow/views/failure-view.js';
import { approvalWait, statusOf, type UnitPlace } from './run-view.ts';

/** Of the items of one step the first so many open ones are looked at: the rest wait for the same. */
const itemsMax = 1_000;
/** Attempts that are named as holding a budget. */
const spendersMax = 5;
/** Queues of other replicas that are asked for one answer. */
const askedMax = 20;

/** The causes within one run, and the child run (a UUID) that the last of them leads on to. */
export interface CauseChain {
  chain: Cause[];
  child?: string | undefined;
}

type Run = Pick<FoundRun, 'state' | 'live' | 'why' | 'whyEntering'>;

/** Finds out why the steps of a run are not under way. */
export class Causes {
  private readonly state: RunState;
  private readonly id: string;
  private readonly known = new Map<string, Kind>();

  constructor(private readonly run: Run) {
    this.state = run.state;
    this.id = fromUuid('run', run.state.run);
  }

  /** What waits in queues that other replicas keep: of tasks with the same answer, one. */
  elsewhere(): NonNullable<QueueCause['elsewhere']>[] {
    const found = new Map<string, NonNullable<QueueCause['elsewhere']>>();
    const entrance = isEntering(this.state) ? this.run.whyEntering()?.elsewhere : undefined;
    if (entrance !== undefined) found.set(entrance.alike, entrance);
    for (const { s, i } of this.open()) {
      const unit = (this.state.steps[s] as StepState).units[Math.max(0, i)] as UnitState;
      if (unit.status !== 'queued' || found.size >= askedMax) continue;
      const place = this.run.why({ s, i, n: unit.attempt })?.elsewhere;
      if (place !== undefined && !found.has(place.alike)) found.set(place.alike, place);
    }
    return [...found.values()];
  }

  /** Why a step or item is where it is, down to the root of it. `i` is -1 for a step as a whole. */
  ofStep(place: UnitPlace): CauseChain {
    if (this.state.quarantine !== undefined) return { chain: [this.quarantined()] };
    if (isEntering(this.state)) return { chain: [this.entering()] };
    const chain: Cause[] = [];
    for (let at: UnitPlace | undefined = this.worst(place); at !== undefined;) {
      const { cause, leadsTo, child } = this.link(at);
      chain.push(cause);
      if (leadsTo === undefined) return { chain, child };
      at = this.worst(leadsTo);
    }
    return { chain };
  }

  /** Why the run is where it is: of what is open, what needs a person first. */
  ofRun(): CauseChain {
    const { state } = this;
    if (state.quarantine !== undefined) return { chain: [this.quarantined()] };
    if (isEntering(state)) return { chain: [this.entering()] };
    if (hasEnded(state)) {
      const culprit = state.status === 'failed' ? this.culprit() : undefined;
      return { chain: [this.ended(), ...(culprit ? [this.link(culprit).cause] : [])] };
    }
    const worst = this.open().sort((a, b) => this.rank(a) - this.rank(b))[0];
    return worst === undefined ? { chain: [] } : this.ofStep(worst);
  }

  /** What is open, counted by kind. */
  counts(): CauseCount[] {
    if (hasEnded(this.state) || this.state.quarantine !== undefined) return [];
    const counts = new Map<CauseKind, CauseCount>();
    for (const { s, i } of this.open()) {
      const kind = this.kindOf({ s, i }).kind;
      const known = counts.get(kind);
      if (known) known.count++;
      else counts.set(kind, { kind, count: 1, step: keyOf(this.state, s, i) });
    }
    return [...counts.values()].sort((a, b) => causeKinds.indexOf(a.kind) - causeKinds.indexOf(b.kind));
  }

  /** Units that have begun and not ended. */
  private open(): UnitPlace[] {
    return this.state.steps.flatMap((step, s) => (step.status === 'open' ? openUnits(step, s) : []));
  }

  /** The unit of a step that explains it: itself, or of its items the one that needs a person first. */
  private worst({ s, i }: UnitPlace): UnitPlace {
    const step = this.state.steps[s] as StepState;
    if (i >= 0 || !step.isFanned) return { s, i };
    return openUnits(step, s).sort((a, b) => this.rank(a) - this.rank(b))[0] ?? { s, i: step.units.length > 0 ? 0 : -1 };
  }

  private rank(place: UnitPlace): number {
    return causeKinds.indexOf(this.kindOf(place).kind);
  }

  /** The root of a unit's waiting, by kind. Kept: many steps wait for the same. */
  private kindOf(place: UnitPlace): Kind {
    const key = `${place.s} ${place.i}`;
    const known = this.known.get(key);
    if (known) return known;
    // Filled in before the way down, and the graph has no circles: each unit is looked at once.
    const found = this.look(place);
    this.known.set(key, found);
    return found;
  }

  private look({ s, i }: UnitPlace): Kind {
    const { state, run } = this;
    const step = state.graph.steps[s] as GraphStep;
    const current = state.steps[s] as StepState;
    const unit = current.units[Math.max(0, i)];
    if (unit === undefined) return { kind: 'succeeded' };
    if (isOver(unit.status)) return { kind: unit.status as 'succeeded' | 'failed' | 'skipped' | 'cancelled' };
    if (unit.status === 'pending') {
      const before = unitBefore(state, s, i);
      const waited = before !== undefined ? [before] : i >= 0 ? openUnits(current, s) : this.waitedFor(step);
      const worst = waited.sort((a, b) => this.rank(a) - this.rank(b))[0];
      const own: CauseKind = i >= 0 ? 'items' : 'step';
      return worst === undefined ? { kind: own, own } : { kind: this.kindOf(worst).kind, own, leadsTo: worst };
    }
    if (unit.status === 'queued') {
      const queue = run.why({ s, i, n: unit.attempt });
      return queue === undefined ? { kind: 'owner' } : { kind: queue.kind, queue };
    }
    if (unit.status === 'running') return { kind: run.live === undefined ? 'owner' : 'running' };
    if (unit.child !== undefined) return { kind: 'child' };
    if (unit.crash !== undefined) return { kind: 'lost' };
    if (unit.approval !== undefined && unit.approval.answer === undefined) return { kind: 'approval' };
    if (unit.isSeeking) return { kind: 'failover' };
    if (unit.short !== undefined) return { kind: 'budget' };
    if (unit.signal !== undefined) return { kind: 'signal' };
    if (step.kind === 'wait') return { kind: 'time' };
    return { kind: heldBackTarget(unit.attempts?.at(-1)?.error.detail ?? '') === undefined ? 'retry' : 'breaker' };
  }

  /** What a step that has not begun waits for: its needs, or before the steps of `finally` all that is open. */
  private waitedFor(step: GraphStep): UnitPlace[] {
    if (waitsForEnd(this.state, step)) return this.open();
    return unended(this.state, step).map((need) => this.worst({ s: need, i: -1 }));
  }

  private link(place: UnitPlace): { cause: Cause; leadsTo?: UnitPlace; child?: string | undefined } {
    const { state } = this;
    const { s, i } = place;
    const step = state.graph.steps[s] as GraphStep;
    const current = state.steps[s] as StepState;
    const unit = current.units[Math.max(0, i)];
    const { kind, own = kind, leadsTo, queue } = this.kindOf(place);
    const of = (because: string, rest: Partial<Cause> = {}): Cause => ({
      kind: own,
      run: this.id,
      step: keyOf(state, s, i),
      status: unit?.status ?? (current.status === 'open' ? 'running' : current.status),
      on: null,
      because,
      next: null,
      until: null,
      holders: [],
      ...rest,
    });
    const until = iso(unit?.due);
    switch (own) {
      case 'items':
        if (leadsTo !== undefined && unitBefore(state, s, i) !== undefined) {
          const other = keyOf(state, leadsTo.s, leadsTo.i);
          return { cause: of(`${other}, which it needs, has not ended`, { on: `step:${other}` }), leadsTo };
        }
        return {
          cause: of(`at most ${step.maxParallel} items are done at once`, next(`Raise maxParallel of ${step.key}.`)),
          ...(leadsTo && { leadsTo }),
        };
      case 'lost': {
        const because = `attempt ${unit?.attempt ?? 0} was lost and may have done its work`;
        return { cause: of(because, next(`Say what follows: signalbox resolve ${this.id} ${keyOf(state, s, i)} retry, fail or output`)) };
      }
      case 'step': {
        if (waitsForEnd(state, step)) return { cause: of('the other steps have not ended'), ...(leadsTo && { leadsTo }) };
        if (step.part === 'undo' && leadsTo === undefined) return { cause: of('nothing has to be undone so far') };
        const needs = unended(state, step).map((need) => (state.graph.steps[need] as GraphStep).key);
        const first = leadsTo && (state.graph.steps[leadsTo.s] as GraphStep).key;
        const others = needs.filter((need) => need !== first);
        const because = `${first ?? 'a step before it'} has not ended${others.length === 0 ? '' : `, nor ${others.length === 1 ? 'has' : 'have'} ${others.slice(0, 5).join(', ')}`}`;
        return { cause: of(because, first === undefined ? {} : { on: `step:${first}` }), ...(leadsTo && { leadsTo }) };
      }
      case 'child': {
        const child = fromUuid('run', (unit as UnitState).child as string);
        return { cause: of('the child run has not ended', { on: `run:${child}` }), child: unit?.child };
      }
      case 'approval': {
        const { on, because } = approvalWait(unit?.approval as Approval);
        const approval = on.slice('approval:'.length);
        return { cause: of(because, { on, until, ...next(`Answer it: signalbox approvals approve ${approval}, or reject`) }) };
      }
      case 'budget': {
        const short = unit?.short as Shortage;
        const because = shortText(state, s, short);
        return {
          cause: of(because, {
            on: `budget:${short.of}`,
            ...(isAbove(short)
              ? next(`It goes on when other runs give back what they have not used; else raise it: signalbox budgets set ${short.of}`)
              : {
                  holders: this.spenders(),
                  ...next('It goes on when what is under way has used less; else raise the budget of the workflow.'),
                }),
          }),
        };
      }
      case 'signal': {
        const name = unit?.signal ?? '';
        const because = `the signal ${name} has not come${until === null ? '' : `, and is waited for until ${until}`}`;
        return { cause: of(because, { on: `signal:${name}`, until, ...next(`Send it: signalbox signal ${this.id} ${name}`) }) };
      }
      case 'time':
        return { cause: of(`it goes on at ${until ?? 'a time that is not known'}`, { until }) };
      case 'retry':
      case 'breaker':
        if (queue === undefined) return { cause: this.retry(of, unit as UnitState) };
        break;
      case 'failover': {
        const { code, detail } = failureView(unit?.attempts?.at(-1)?.error as Failure);
        const because = `${targetOf(state, s, i)} is used up (${code}: ${detail}), and another agent is looked for`;
        return { cause: of(because, next('It goes on by itself; if that lasts, look at registry.')) };
      }
      case 'running':
        return { cause: of(runningText(unit as UnitState), { until: iso((unit?.startedAt ?? 0) + step.timeoutMs) }) };
      case 'owner':
        return {
          cause: of(
            'no owner answers for the run: it is being taken over',
            next('Wait a few seconds; if that lasts, look at the services.'),
          ),
        };
      case 'failed':
        return { cause: of(unit?.error?.detail ?? 'it failed', next(unit?.error?.next ?? this.again())) };
      case 'cancelled':
        return { cause: of('the run ended before it did', next(this.again())) };
      case 'skipped':
        if (unit?.degraded !== undefined)
          return { cause: of(`nobody could do it, so that it is skipped: ${unit.degraded.detail}`, next(unit.degraded.next)) };
        return { cause: of('its condition was not met, or all that it needs was skipped') };
      case 'succeeded':
        if (unit?.degraded !== undefined)
          return { cause: of(`nobody could do it, and what it declares stands in: ${unit.degraded.detail}`, next(unit.degraded.next)) };
        return { cause: of(unit?.endedAt === undefined ? 'it has nothing to do' : `it has succeeded at ${iso(unit.endedAt) ?? ''}`) };
      default:
    }
    if (queue === undefined) return { cause: of('it has begun') };
    const { failover, unavailable } = step;
    const goesOn = failover === undefined ? '' : ` After ${failover.afterMs / 1_000} s ${whoNext(failover)} goes on.`;
    const standsIn = unavailable && (unavailable.use === undefined ? 'the step is skipped' : 'what it declares stands in');
    const isLeft = standsIn === undefined ? '' : ` After ${unavailable!.afterMs / 1_000} s without anybody ${standsIn}.`;
    const soon = isStranding(queue.kind) ? `${goesOn}${isLeft}` : '';
    return {
      cause: of(queue.because, {
        on: queue.on,
        next: soon === '' ? queue.next : `${queue.next ?? ''}${soon}`.trim(),
        until: queue.until ?? null,
        holders: queue.holders(),
      }),
    };
  }

  private retry(of: (because: string, rest: Partial<Cause>) => Cause, unit: UnitState): Cause {
    const error = unit.attempts?.at(-1)?.error;
    const until = iso(unit.due);
    const failed = error === undefined ? 'failed' : `failed (${error.code}: ${failureView(error).detail})`;
    return of(`attempt ${unit.attempt} ${failed}, the next begins at ${until ?? 'a time that is not known'}`, {
      until,
      ...next(error?.next),
    });
  }

  /** Attempts that have something set aside: when they end, what they did not use is free again. */
  private spenders(): Cause['holders'] {
    const open = this.open().filter(({ s, i }) => this.state.steps[s]?.units[Math.max(0, i)]?.holds !== undefined);
    return open.slice(0, spendersMax).map(({ s, i }) => {
      const { instance = null, startedAt } = this.state.steps[s]?.units[Math.max(0, i)] as UnitState;
      return { run: this.id, step: keyOf(this.state, s, i), instance, since: iso(startedAt) };
    });
  }

  private again(): string {
    return `Do it again once the cause is mended: signalbox fork ${this.id}`;
  }

  private ended(): Cause {
    const { state } = this;
    const status = statusOf(state);
    const why = state.error?.detail ?? state.reason;
    const because = `the run has ${status === 'cancelled' ? `been cancelled${state.reason ? ` (${state.reason})` : ''}` : status}`;
    return {
      kind: status as 'succeeded' | 'failed' | 'cancelled',
      run: this.id,
      step: null,
      status,
      on: null,
      because: status === 'failed' && why ? `${because}: ${why}` : because,
      next: status === 'succeeded' ? null : (state.error?.next ?? this.again()),
      until: null,
      holders: [],
    };
  }

  private quarantined(): Cause {
    const because = `it is set aside: ${this.state.quarantine ?? ''}`;
    const cause = { kind: 'quarantined' as const, run: this.id, step: null, status: statusOf(this.state), on: null, because };
    return {
      ...cause,
      next: `Mend what the log of execution says of it; then: signalbox release ${this.id} go-on, or fail`,
      until: null,
      holders: [],
    };
  }

  /** It waits for places before it begins. */
  private entering(): Cause {
    const { state } = this;
    const cause = this.run.whyEntering();
    const run = { run: this.id, step: null, status: statusOf(state) };
    if (cause !== undefined) {
      const { kind, on, because, next: then, until = null } = cause;
      return { kind, ...run, on, because, next: then, until, holders: cause.holders() };
    }
    const because = `it ${enteringReason(state)}; no owner answers for it: it is about to begin, or is being taken over`;
    return { kind: 'limit', ...run, on: limitText(state.claims[0] as LimitKey), because, next: null, until: null, holders: [] };
  }

  /** The unit that ended a failed run. */
  private culprit(): UnitPlace | undefined {
    let found: UnitPlace | undefined;
    let latest = -1;
    this.state.steps.forEach((step, s) =>
      step.units.forEach((unit, index) => {
        if (unit.status !== 'failed' || (unit.endedAt ?? 0) < latest) return;
        latest = unit.endedAt ?? 0;
        found = { s, i: step.isFanned ? index : -1 };
      }),
    );
    return found;
  }
}

/** `kind`: of the root; `own`: of this link, where it only leads on. */
interface Kind {
  kind: CauseKind;
  own?: CauseKind;
  leadsTo?: UnitPlace;
  queue?: QueueCause;
}

function whoNext({ to }: FailoverPolicy): string {
  return to === undefined ? 'another agent with this skill' : to.join(' or ');
}

function openUnits(step: StepState, s: number): UnitPlace[] {
  const places: UnitPlace[] = [];
  for (let index = 0; index < step.units.length && places.length < itemsMax; index++) {
    const { status } = step.units[index] as UnitState;
    if (status !== 'pending' && !isOver(status)) places.push({ s, i: step.isFanned ? index : -1 });
  }
  return places;
}

function waitsForEnd({ ending }: RunState, { part }: GraphStep): boolean {
  return part === 'finally' && ending?.stage !== 'finally';
}

function unended(state: RunState, { needs }: GraphStep): number[] {
  return needs.filter((need) => ['pending', 'open'].includes((state.steps[need] as StepState).status));
}

function runningText({ attempt, instance, startedAt }: UnitState): string {
  const where = instance === undefined ? '' : ` on ${instance}`;
  return `attempt ${attempt} is under way${where}${startedAt === undefined ? '' : ` since ${iso(startedAt) ?? ''}`}`;
}

function next(text: string | undefined): { next: string | null } {
  return { next: text ?? null };
}

function iso(at: number | undefined): string | null {
  return at === undefined || at === 0 ? null : new Date(at).toISOString();
}
