import type { AttemptView, RunStatus, RunView, StepView, WaitingFor } from '@signalbox/shared/contracts/execution/run-view.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { answerersNow, answerersText, shownOf, type Approval } from '@signalbox/workflow/core/approval.js';
import { notUndone } from '@signalbox/workflow/core/ending.js';
import type { AttemptLog } from '@signalbox/workflow/core/attempt-log.js';
import type { AttemptRef, Usage } from '@signalbox/workflow/core/events.js';
import { unitBefore } from '@signalbox/workflow/core/gate.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import { enteringReason, isEntering, limitText } from '@signalbox/workflow/core/limits.js';
import { sizeOf } from '@signalbox/workflow/core/json.js';
import { isWaiting, progressOf } from '@signalbox/workflow/core/progress.js';
import { guarded, inputOf, keyOf, workOf } from '@signalbox/workflow/core/scope.js';
import { hasEnded, type RunState, type StepState, type UnitState } from '@signalbox/workflow/core/state.js';
import { degradedOf } from '@signalbox/workflow/core/unavailable.js';
import type { QueueCause } from '../dispatch/queue-cause.ts';
import type { RunFacts } from '../shards/live-run.ts';
import { criticalSteps } from './critical-path.ts';
import { slackOf } from './slack.ts';
import { budgetUses, shortText } from '@signalbox/workflow/views/budget-view.js';
import { cut } from '@signalbox/workflow/views/cut.js';
import { failureView } from '@signalbox/workflow/views/failure-view.js';

/** Input and output of a run, and of one step shown alone: as large as a message holds beside the rest. */
const wholeMaxBytes = 200_000;
/** Inputs and outputs of steps in a list: each at most this, all together at most the second. */
const previewMaxBytes = 16_384;
const previewsMaxBytes = 256_000;
/** What was said of all attempts of a step that is shown alone; the last attempts go first. */
const logsMaxBytes = 49_152;

/** Of what could not be undone, a run shows so many: each is a step of its own too. */
const notUndoneMax = 100;
/** The same of steps for which something else stands in. */
const degradedMax = 100;

/** Why a queued attempt is not under way; undefined where its owner is not here. */
export type Why = (ref: AttemptRef) => QueueCause | undefined;

/** What was said of an attempt that is under way. */
export type LogOf = (ref: AttemptRef) => AttemptLog | undefined;

/** A run's status: that of its state, or `waiting` when all that was begun waits. */
export function statusOf(state: RunState): RunStatus {
  if (hasEnded(state)) return state.status as RunStatus;
  if (state.status === 'created') return 'queued';
  return isWaiting(state) ? 'waiting' : 'running';
}

function reasonOf(state: RunState): string | null {
  if (state.quarantine !== undefined) return 'quarantined';
  return isEntering(state) ? enteringReason(state) : state.reason;
}

/** A run as callers see it. */
export function runView(state: RunState, facts: RunFacts, withValues = true): RunView {
  const error = state.error ?? state.ending?.error;
  const isUndoingOver = hasEnded(state) || state.ending?.stage === 'finally';
  const budgets = budgetUses(state);
  const left = isUndoingOver ? notUndone(state).slice(0, notUndoneMax) : [];
  return {
    id: fromUuid('run', state.run),
    workflow: facts.workflow,
    ...(state.insteadOf && { insteadOf: { ...state.insteadOf } }),
    workflowHash: state.graph.hash,
    ...(state.graph.hash !== facts.definition && { startedHash: facts.definition }),
    status: statusOf(state),
    reason: reasonOf(state),
    labels: facts.labels,
    ...(withValues && {
      priority: state.priority ?? null,
      input: cut(state.input, wholeMaxBytes),
      output: cut(state.output, wholeMaxBytes),
    }),
    error: error === undefined ? null : failureView(error),
    ...(state.degraded > 0 && {
      degraded: degradedOf(state, degradedMax).map(({ key, error: why }) => ({ step: key, error: failureView(why) })),
    }),
    ...(left.length > 0 && { notUndone: left.map((each) => ({ step: each.key, error: failureView(each.error) })) }),
    parent: facts.parent === null ? null : fromUuid('run', facts.parent),
    ...(facts.origin && { origin: facts.origin }),
    startedBy: facts.principalName,
    createdAt: facts.createdAt.toISOString(),
    // While it waits for places, nothing of it has begun.
    startedAt: isEntering(state) ? null : iso(state.admittedAt ?? state.startedAt),
    endedAt: iso(state.endedAt),
    progress: progressOf(state),
    usage: { ...state.usage },
    ...(budgets.length > 0 && { budgets }),
  };
}

/** Names one unit of a run. */
export interface UnitPlace {
  s: number;
  i: number;
}

/** The units of a run from `from` on, at most `limit`, in the order of the workflow. */
export function placesOf(state: RunState, from: UnitPlace, limit: number): { places: UnitPlace[]; next: UnitPlace | null } {
  const places: UnitPlace[] = [];
  for (let s = from.s; s < state.steps.length; s++) {
    const step = state.steps[s] as StepState;
    if (state.graph.steps[s]?.isRemoved === true) continue;
    // What there is to undo is shown once it is undone.
    if (state.graph.steps[s]?.part === 'undo' && (step.status === 'pending' || step.status === 'skipped')) continue;
    if (!step.isFanned || step.units.length === 0) {
      if (places.length === limit) return { places, next: { s, i: -1 } };
      places.push({ s, i: -1 });
      continue;
    }
    for (let i = s === from.s ? Math.max(0, from.i) : 0; i < step.units.length; i++) {
      if (places.length === limit) return { places, next: { s, i } };
      places.push({ s, i });
    }
  }
  return { places, next: null };
}

/** Steps as they are shown in a list: what is large is cut. */
export function stepViews(state: RunState, places: readonly UnitPlace[], why: Why): StepView[] {
  const each = Math.min(previewMaxBytes, Math.floor(previewsMaxBytes / Math.max(1, 2 * places.length)));
  const paths = pathsOf(state);
  return places.map((place) => {
    const view = stepView(state, place, why, each, paths);
    const grown = state.steps[place.s]?.grown?.[place.i];
    if (grown?.k !== 'model' || place.i === 0) return view;
    // A later turn is asked all that stands before it in this list, and what was said to it beside.
    return { ...view, input: grown.say === undefined ? null : { messages: [{ role: 'user', content: grown.say }] } };
  });
}

/** One step, whole. */
export function wholeStepView(state: RunState, place: UnitPlace, why: Why, logOf: LogOf): StepView {
  const view = stepView(state, place, why, wholeMaxBytes, pathsOf(state));
  const logs = state.steps[place.s]?.units[Math.max(0, place.i)]?.logs ?? [];
  let bytes = 0;
  const attempts = view.attempts.toReversed().map((attempt): AttemptView => {
    const log = logs.find(({ n }) => n === attempt.number) ?? logOf({ ...place, n: attempt.number });
    if (log === undefined) return attempt;
    bytes += sizeOf(log.lines);
    const lines = bytes > logsMaxBytes ? [] : log.lines;
    const dropped = log.dropped + log.lines.length - lines.length;
    return {
      ...attempt,
      log: lines.map(({ at, ...said }) => ({ at: new Date(at).toISOString(), ...said })),
      ...(dropped > 0 && { logDropped: dropped }),
    };
  });
  return { ...view, attempts: attempts.reverse() };
}

/** Which steps a run's time went into, and how much of it the others had left. */
interface Paths {
  critical: ReadonlySet<number>;
  slack: readonly (number | undefined)[];
}

function pathsOf(state: RunState): Paths {
  return { critical: criticalSteps(state), slack: slackOf(state, now()) };
}

function stepView(state: RunState, { s, i }: UnitPlace, why: Why, maxBytes: number, { critical, slack }: Paths): StepView {
  const step = state.graph.steps[s] as GraphStep;
  const current = state.steps[s] as StepState;
  const unit = current.units[Math.max(0, i)];
  const work = workOf(state, s, i);
  const isAgent = work.kind === 'agent';
  // A forEach over nothing has no unit; the step stands for itself.
  const status = unit?.status ?? (current.status === 'open' ? 'running' : current.status);
  return {
    key: keyOf(state, s, i),
    step: step.key,
    index: i < 0 ? null : i,
    kind: step.kind,
    part: step.part ?? 'main',
    label: step.label ?? step.key,
    status,
    agent: isAgent ? work.target : null,
    skill: work.skill ?? null,
    // What a model invented has no name here.
    tool: work.kind === 'tool' && work.target !== '' ? work.target : null,
    model: work.kind === 'model' ? work.target : null,
    child: unit?.child === undefined ? null : fromUuid('run', unit.child),
    needs: step.needs.map((need) => (state.graph.steps[need] as GraphStep).key),
    waitingFor: unit === undefined ? [] : waitingFor(state, { s, i }, unit, why),
    queuedAt: iso(unit?.queuedAt),
    startedAt: iso(unit?.startedAt),
    endedAt: iso(unit?.endedAt),
    onCriticalPath: critical.has(s),
    slackMs: critical.has(s) && slack[s] !== undefined ? 0 : (slack[s] ?? null),
    attempts:
      unit === undefined ? [] : attemptViews(unit, isAgent ? (step.kind === 'llm' ? work.target : (unit.chosen ?? step.target)) : null),
    input:
      unit === undefined || status === 'pending' || (status === 'skipped' && unit.degraded === undefined)
        ? null
        : inputView(state, s, i, maxBytes),
    output: cut(unit === undefined ? current.output : unit.output, maxBytes),
    error: unit?.error === undefined ? null : failureView(unit.error),
    ...(unit?.degraded && { degraded: failureView(unit.degraded) }),
    ...(unit?.usage && { usage: { ...unit.usage } }),
    ...(step.llm && { limits: { ...step.llm.limits, costUsd: step.llm.limits.costUsd ?? null } }),
  };
}

/** Computed again from what is recorded; null where it cannot be any more. */
function inputView(state: RunState, s: number, i: number, maxBytes: number): unknown {
  if ((state.graph.steps[s] as GraphStep).kind === 'value') return null;
  const input = guarded(() => inputOf(state, s, i));
  if ('error' in input) return null;
  return cut((state.graph.steps[s] as GraphStep).kind === 'approval' ? shownOf(input.value) : input.value, maxBytes);
}

function waitingFor(state: RunState, { s, i }: UnitPlace, unit: UnitState, why: Why): WaitingFor[] {
  const step = state.graph.steps[s] as GraphStep;
  if (hasEnded(state)) return [];
  if (isEntering(state)) return state.claims.map((claim) => ({ on: limitText(claim), because: 'the run waits for a place of it' }));
  if (unit.status === 'pending') {
    const before = unitBefore(state, s, i);
    if (before !== undefined) return [{ on: `step:${keyOf(state, before.s, before.i)}`, because: 'it has not ended' }];
    if (i >= 0) return [{ on: `step:${step.key}`, because: `at most ${step.maxParallel} items are done at once` }];
    if (step.part === 'finally' && state.ending?.stage !== 'finally') return [{ on: 'end', because: 'the other steps have not ended' }];
    return step.needs
      .filter((need) => ['pending', 'open'].includes((state.steps[need] as StepState).status))
      .map((need) => ({ on: `step:${(state.graph.steps[need] as GraphStep).key}`, because: 'it has not ended' }));
  }
  if (unit.status === 'queued') {
    const reason = why({ s, i, n: unit.attempt });
    return reason === undefined ? [] : [{ on: reason.on, because: reason.because }];
  }
  if (unit.status !== 'waiting') return [];
  if (unit.child !== undefined) return [{ on: `run:${fromUuid('run', unit.child)}`, because: 'the child run has not ended' }];
  if (unit.short !== undefined) return [{ on: `budget:${unit.short.of}`, because: shortText(state, s, unit.short) }];
  if (step.kind === 'wait') return [waitView(unit)];
  if (unit.approval !== undefined && unit.approval.answer === undefined) return [approvalWait(unit.approval)];
  if (unit.crash !== undefined) {
    const because = `attempt ${unit.attempt} was lost and may have done its work: say whether it is tried again, has failed, or what it gave`;
    return [{ on: 'crashed', because }];
  }
  const last = unit.attempts?.at(-1);
  if (unit.isSeeking)
    return [{ on: 'agent', because: `attempt ${unit.attempt} failed (${last?.error.code ?? 'unknown'}), another agent is looked for` }];
  return [
    {
      on: 'retry',
      because: `attempt ${unit.attempt} failed (${last?.error.code ?? 'unknown'}), the next begins at ${iso(unit.due) ?? ''}`,
    },
  ];
}

function waitView({ signal, due }: UnitState): WaitingFor {
  const until = iso(due);
  if (signal === undefined) return { on: 'time', because: `it goes on at ${until}` };
  return { on: `signal:${signal}`, because: `it has not come${until === null ? '' : `, and is waited for until ${until}`}` };
}

/** Who may answer, and until when. */
export function approvalWait(approval: Approval): WaitingFor {
  const may = answerersNow(approval);
  const until = approval.deadline === undefined ? '' : ` until ${iso(approval.deadline)}`;
  const who = may === undefined ? 'administrators and operators' : answerersText(may);
  return { on: `approval:${fromUuid('approval', approval.id)}`, because: `${who} may answer${until}` };
}

function attemptViews(unit: UnitState, target: string | null): AttemptView[] {
  const views: AttemptView[] = (unit.attempts ?? []).map((attempt) => ({
    number: attempt.n,
    status: 'failed',
    agent: attempt.agent ?? target,
    instance: attempt.instance ?? null,
    startedAt: iso(attempt.startedAt),
    endedAt: iso(attempt.endedAt),
    error: failureView(attempt.error),
    ...(attempt.usage && { usage: { ...attempt.usage } }),
  }));
  const isRecorded = unit.attempts?.at(-1)?.n === unit.attempt;
  if (unit.attempt === 0 || isRecorded) return views;
  const usage = usageOfLast(unit);
  views.push({
    ...(usage && { usage }),
    number: unit.attempt,
    status: unit.status,
    agent: unit.agent ?? target,
    instance: unit.instance ?? null,
    startedAt: iso(unit.startedAt),
    endedAt: iso(unit.endedAt),
    error: failureOf(unit),
  });
  return views;
}

function failureOf({ error, degraded, crash }: UnitState): AttemptView['error'] {
  const failure = error ?? degraded ?? crash;
  return failure === undefined ? null : failureView(failure);
}

/** What the last attempt used: all that its unit did, without the attempts before. */
function usageOfLast({ usage, attempts = [] }: UnitState): Usage | undefined {
  if (usage === undefined) return undefined;
  const left = { ...usage };
  for (const { usage: earlier } of attempts) {
    left.inputTokens -= earlier?.inputTokens ?? 0;
    left.outputTokens -= earlier?.outputTokens ?? 0;
    left.costUsd = Math.max(0, left.costUsd - (earlier?.costUsd ?? 0));
  }
  return left.inputTokens + left.outputTokens + left.costUsd > 0 ? left : undefined;
}

function iso(at: number | undefined): string | null {
  return at === undefined || at === 0 ? null : new Date(at).toISOString();
}
