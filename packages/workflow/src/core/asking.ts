import {
  askOf,
  expired,
  judge,
  levelAt,
  policyOf,
  remindersAt,
  resultOf,
  type Answer,
  type Answerers,
  type Approval,
  type ApprovalPolicy,
  type Ask,
} from './approval.ts';
import type { AttemptRef, Failure, RunEvent } from './events.ts';
import type { GraphStep } from './graph.ts';
import type { Json } from './json.ts';
import { guarded } from './scope.ts';
import { raiseQuestion, type RaiseWish } from './spending.ts';
import { unitOf, type RunState } from './state.ts';
import { record, type Work } from './turn.ts';

/** What an answer to a step's approval means; `closed` where nothing was asked. */
export function verdictOn(state: RunState, event: RunEvent & { type: 'answer' }, at: number): ReturnType<typeof judge> {
  const step = state.graph.steps[event.s];
  const unit = unitOf(state, event.s, event.i);
  return step === undefined || unit?.approval === undefined ? 'closed' : judge(unit, policyOf(step, unit), event, at);
}

/** Asks people, who are told of once it is committed. Gives why nobody can be asked. */
export function ask(work: Work, s: number, i: number, value: Json): Failure | undefined {
  const { state, given } = work;
  const pointer = `/spec/steps/${(state.graph.steps[s] as GraphStep).key}/approval`;
  const asked = guarded(() => askOf(value, given.at, pointer));
  if ('error' in asked) return asked.error;
  record(work, { t: 'asks', at: given.at, s, i, n: 1, id: given.newId(), ask: asked.value });
  wakeAtDue(work, { s, i, n: 1 });
  return undefined;
}

/** Asks people to raise the limit of a budget. */
export function askForMore(
  work: Work,
  ref: AttemptRef,
  { by, deadlineMs, of, wants, more }: RaiseWish & { by?: Answerers; deadlineMs?: number },
): void {
  const { state, given } = work;
  const raise = { of, wants, more };
  const ask: Ask = {
    message: raiseQuestion(raise, state.graph.steps[ref.s] as GraphStep),
    ...(by !== undefined && { by }),
    ...(deadlineMs !== undefined && { deadline: given.at + deadlineMs }),
    raise,
  };
  record(work, { t: 'asks', at: given.at, ...ref, id: given.newId(), ask });
  wakeAtDue(work, ref);
}

/** Takes an answer; gives what it makes of the unit. */
export function takeAnswer(work: Work, { s, i, n }: AttemptRef, answer: Answer): { output: Json } | { error: Failure } {
  record(work, { t: 'answered', s, i, n, ...answer });
  return resultOf(answer, policyAt(work, s, i));
}

/** More people are asked, or those who were are reminded, or the deadline is the answer: then it gives what that makes of the unit. */
export function askMore(work: Work, { s, i, n }: AttemptRef, approval: Approval): { output: Json } | { error: Failure } | undefined {
  const { at } = work.given;
  if (at < (approval.deadline ?? Infinity)) {
    const [level, count] = [levelAt(approval, at), remindersAt(approval, at)];
    if (level > approval.level) record(work, { t: 'escalated', at, s, i, n, level });
    if (count > approval.reminded) record(work, { t: 'reminded', at, s, i, n, count });
    wakeAtDue(work, { s, i, n });
    return undefined;
  }
  const { onDeadline } = policyAt(work, s, i);
  if (onDeadline === 'fail') return { error: expired };
  return takeAnswer(work, { s, i, n }, { at, approved: onDeadline === 'approve', by: null, data: null, comment: null });
}

function policyAt({ state }: Work, s: number, i: number): ApprovalPolicy {
  return policyOf(state.graph.steps[s] as GraphStep, unitOf(state, s, i));
}

function wakeAtDue({ state, effects }: Work, { s, i, n }: AttemptRef): void {
  const due = unitOf(state, s, i)?.due;
  if (due !== undefined) effects.push({ e: 'wakeAt', timer: 'wake', s, i, n, due });
}
