import type { Failure, RunEvent, Transition } from './events.ts';
import { ExpressionError, type Graph, type GraphStep } from './graph.ts';
import type { Json } from './json.ts';
import { waitOf } from './wait.ts';
import type { RaiseWish } from './spending.ts';
import type { UnitState } from './state.ts';

/** Bounds of one approval: it is read by people, and each is a row of a list. The schema bounds its levels. */
const approvalBounds = { messageChars: 2_000, principals: 20 } as const;

/** Who may answer: whoever has one of the roles, or is one of the principals, by identifier or by name. */
export interface Answerers {
  roles: string[];
  principals: string[];
}

/** What the workflow says of an approval, whatever the run. */
export interface ApprovalPolicy {
  /** JSON Schema of the data that an approving answer carries; without one it carries none. */
  form?: Record<string, Json>;
  /** Who started the run may not answer. */
  notBy?: 'starter';
  onDeadline: 'fail' | 'approve' | 'reject';
  onReject: 'fail' | 'continue';
}

/** From `at` on (epoch milliseconds), these may answer too. */
export interface Escalation {
  at: number;
  by: Answerers;
}

/** What is asked of people, in one run. */
export interface Ask {
  message: string;
  /** Absent: whoever may answer approvals at all. */
  by?: Answerers;
  /** Epoch milliseconds. */
  deadline?: number;
  /** The earliest first. */
  escalate?: Escalation[];
  /** When they are reminded, likewise; epoch milliseconds. */
  remind?: number[];
  /** The limit of a budget that is to be raised. */
  raise?: RaiseWish;
}

/** How an approval was answered; `by` is null when its deadline was. */
export interface Answer {
  at: number;
  approved: boolean;
  by: { id: string; name: string } | null;
  data: Json;
  comment: string | null;
}

/** An approval that was asked for. */
export interface Approval extends Ask {
  /** UUIDv7. */
  id: string;
  askedAt: number;
  /** How many escalations have come. */
  level: number;
  /** How many reminders have come, and the last of them. */
  reminded: number;
  remindedAt?: number;
  answer?: Answer;
}

/** Who wants to answer: `id` is `user_…`, `sa_…` or `agent_…`. */
export interface Answerer {
  id: string;
  name: string;
  roles: readonly string[];
  isStarter: boolean;
}

export type ApprovalStatus = 'open' | 'approved' | 'rejected' | 'expired' | 'withdrawn';

/** Reads what the step gave at the time `at`: `{ approval, with }`, with every expression computed. Throws `ExpressionError`. */
export function askOf(value: Json, at: number, pointer: string): Ask {
  const { approval } = value as { approval: Json };
  const { message, by, deadline, escalate, remind } = (typeof approval === 'string' ? { message: approval } : approval) as Record<
    string,
    Json
  >;
  if (typeof message !== 'string' || message.trim() === '') throw new ExpressionError('message must give a text', `${pointer}/message`);
  if (message.length > approvalBounds.messageChars) {
    const limit = `${approvalBounds.messageChars} characters: show what is long by with`;
    throw new ExpressionError(`message is longer than ${limit}`, `${pointer}/message`, 'limited');
  }
  const levels = ((escalate ?? []) as { after: Json; by: Json }[]).map((level, index) => ({
    at: timeOf(level.after, at, `${pointer}/escalate/${index}/after`),
    by: answerersOf(level.by, `${pointer}/escalate/${index}/by`),
  }));
  const due = deadline === undefined || deadline === null ? undefined : timeOf(deadline, at, `${pointer}/deadline`);
  const reminders = due === undefined ? [] : remindersOf(remind, due, `${pointer}/remind`).filter((time) => time > at);
  return {
    message: plain(message),
    ...(by !== undefined && { by: answerersOf(by, `${pointer}/by`) }),
    ...(due !== undefined && { deadline: due }),
    ...(levels.length > 0 && { escalate: levels.sort((one, other) => one.at - other.at) }),
    ...(reminders.length > 0 && { remind: reminders }),
  };
}

/** Each so long before the deadline. */
function remindersOf(remind: Json | undefined, deadline: number, pointer: string): number[] {
  const times = ((remind ?? []) as Json[]).map((before, index) => deadline - timeOf(before, 0, `${pointer}/${index}`));
  return [...new Set(times)].sort((one, other) => one - other);
}

function timeOf(value: Json, at: number, pointer: string): number {
  const { due } = waitOf(value, at, pointer);
  if (due === undefined) throw new ExpressionError('give a duration or { until }', pointer);
  return due;
}

function answerersOf(value: Json, pointer: string): Answerers {
  const { roles = [], principals = [] } = value as { roles?: string[]; principals?: Json };
  const isUsable = (name: Json): boolean => typeof name === 'string' && name.length > 0 && name.length <= 100;
  if (!Array.isArray(principals) || !principals.every(isUsable))
    throw new ExpressionError('principals must give a list of names or identifiers', `${pointer}/principals`);
  if (principals.length > approvalBounds.principals)
    throw new ExpressionError(`principals are at most ${approvalBounds.principals}`, `${pointer}/principals`, 'limited');
  if (roles.length + principals.length === 0) throw new ExpressionError('nobody could answer: name a role or a principal', pointer);
  return { roles, principals: (principals as string[]).map(plain) };
}

/** Text as the database takes it. */
function plain(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** What people are shown beside the message; null if nothing. */
export function shownOf(value: Json): Json {
  return (value as { with?: Json }).with ?? null;
}

/** Those who may answer by now; undefined: whoever may answer approvals at all. */
export function answerersNow({ by, escalate = [], level }: Approval): Answerers | undefined {
  if (by === undefined) return undefined;
  const all = [by, ...escalate.slice(0, level).map((each) => each.by)];
  return {
    roles: [...new Set(all.flatMap(({ roles }) => roles))],
    principals: [...new Set(all.flatMap(({ principals }) => principals))],
  };
}

/** When something happens without an answer: the next escalation or reminder, or the deadline. */
export function dueOf({ deadline, escalate = [], level, remind = [], reminded }: Approval): number | undefined {
  const due = Math.min(escalate[level]?.at ?? Infinity, remind[reminded] ?? Infinity, deadline ?? Infinity);
  return due === Infinity ? undefined : due;
}

/** How many escalations have come at `at`. */
export function levelAt({ escalate = [] }: Approval, at: number): number {
  return escalate.filter((level) => level.at <= at).length;
}

/** How many reminders have come at `at`. */
export function remindersAt({ remind = [] }: Approval, at: number): number {
  return remind.filter((time) => time <= at).length;
}

/** Why this one may not answer, as a clause; null when it may. A name alone is no agent: agents are named by those who use them. */
export function objectionTo(who: Omit<Answerer, 'isStarter'>, may: Answerers | undefined, isExcluded: boolean): string | null {
  if (isExcluded) return 'whoever started the run may not answer it';
  if (may === undefined || may.roles.some((role) => who.roles.includes(role)) || may.principals.includes(who.id)) return null;
  if (may.principals.includes(who.name) && !who.id.startsWith('agent_')) return null;
  return `only ${answerersText(may)} may answer it`;
}

/** `admins, ann or bob`. */
export function answerersText({ roles, principals }: Answerers): string {
  const names = [...roles.map((role) => `${role}s`), ...principals];
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

type AnswerEvent = RunEvent & { type: 'answer' };

/**
 * What an answer means at `at`. `take`: it is the answer; `known`: it is what this one answered before; `answered`: it was answered otherwise;
 * `closed`: nobody asks any more; `forbidden`: this one may not.
 */
export function judge(
  unit: UnitState | undefined,
  policy: ApprovalPolicy,
  event: AnswerEvent,
  at: number,
): 'take' | 'known' | 'answered' | 'closed' | 'forbidden' {
  const approval = unit?.approval;
  if (unit === undefined || approval === undefined) return 'closed';
  if (approval.answer !== undefined) return isSame(approval.answer, event) ? 'known' : 'answered';
  if (unit.attempt !== event.n || unit.status !== 'waiting' || at >= (approval.deadline ?? Infinity)) return 'closed';
  const isExcluded = policy.notBy === 'starter' && event.by.isStarter;
  return objectionTo(event.by, answerersNow(approval), isExcluded) === null ? 'take' : 'forbidden';
}

function isSame(answer: Answer, { by, approved, data, comment }: AnswerEvent): boolean {
  const said = (given: Pick<Answer, 'approved' | 'data' | 'comment'>): string =>
    JSON.stringify([given.approved, given.data, given.comment ?? null]);
  return answer.by?.id === by.id && said(answer) === said({ approved, data, comment });
}

/** What an answer makes of its step: an output, or the failure of one that was rejected. */
export function resultOf(answer: Answer, { onReject }: ApprovalPolicy): { output: Json } | { error: Failure } {
  const { at, approved, by, data, comment } = answer;
  if (approved || onReject === 'continue') return { output: { approved, by, at: new Date(at).toISOString(), data, comment } };
  return {
    error: {
      code: 'rejected',
      // The same people would be asked the same again.
      isFinal: true,
      detail: `${by?.name ?? 'the deadline'} rejected it${comment ? `: ${comment}` : ''}`,
      next: 'Fork the run from this step to ask again.',
    },
  };
}

/** Nobody answered in time, and the workflow does not say what that means. */
export const expired: Failure = {
  code: 'timeout',
  detail: 'nobody answered before the deadline',
  next: 'Fork the run from this step to ask again, with more people or a later deadline.',
};

/** Makes the unit what it is after a transition of its approval. */
export function applyApproval(unit: UnitState, transition: Transition & { t: 'asks' | 'escalated' | 'reminded' | 'answered' }): void {
  if (transition.t === 'asks') {
    const { id, at: askedAt, ask } = transition;
    unit.approval = { ...ask, id, askedAt, level: 0, reminded: 0 };
  } else if (unit.approval === undefined) throw new Error('an approval is answered that nobody asked for');
  else if (transition.t === 'escalated') unit.approval.level = transition.level;
  else if (transition.t === 'reminded') {
    unit.approval.reminded = transition.count;
    unit.approval.remindedAt = transition.at;
  } else {
    const { at, approved, by, data, comment } = transition;
    unit.approval.answer = { at, approved, by, data, comment };
  }
  unit.due = dueOf(unit.approval);
}

/** How the approval of a unit stands. */
export function approvalStatus({ status, approval }: UnitState): ApprovalStatus {
  if (approval?.answer !== undefined) return approval.answer.approved ? 'approved' : 'rejected';
  if (status === 'waiting') return 'open';
  return status === 'failed' ? 'expired' : 'withdrawn';
}

/** Of the calls of a model: no form and no deadline. */
const callPolicy: ApprovalPolicy = { onDeadline: 'fail', onReject: 'fail' };

/** Whether a step asks people: as a whole, before calls of its model, or for more of a budget. */
export function asksPeople({ steps, budget }: Graph, s: number): boolean {
  const { approval, llm, budget: own } = steps[s] as GraphStep;
  return approval !== undefined || llm?.approve !== undefined || [budget, own].some((policy) => policy?.onLimit.do === 'ask');
}

/** By how much a limit is raised; what is left out is as much again as the workflow gave. */
function raisePolicy({ wants }: RaiseWish): ApprovalPolicy {
  const fields = Object.keys(wants).map((measure) => [
    measure,
    { type: measure === 'costUsd' ? 'number' : 'integer', exclusiveMinimum: 0, title: `More ${measure}` },
  ]);
  return { ...callPolicy, form: { type: 'object', additionalProperties: false, properties: Object.fromEntries(fields) as Json } };
}

/** The policy of what a unit of a step asks. */
export function policyOf({ key, approval, llm }: GraphStep, unit?: UnitState): ApprovalPolicy {
  const raise = unit?.approval?.raise;
  if (raise !== undefined) return raisePolicy(raise);
  if (llm?.approve !== undefined) return callPolicy;
  if (approval === undefined) throw new Error(`the step ${key} asks nobody`);
  return approval;
}
