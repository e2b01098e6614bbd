import {
  approvalStatus,
  answerersNow,
  asksPeople,
  policyOf,
  type Answerers,
  type ApprovalStatus,
} from '@signalbox/workflow/core/approval.js';
import { keyOf } from '@signalbox/workflow/core/scope.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import { unitOf, type RunState } from '@signalbox/workflow/core/state.js';

/** What is listed of an approval; times are ISO 8601. */
export interface ApprovalRow {
  approval_id: string;
  workflow: string;
  /** `deploy`, or `deploy[3]` for an item. */
  step: string;
  label: string;
  message: string;
  status: ApprovalStatus;
  /** `role:admin`, `principal:ann`; null: whoever may answer approvals at all. */
  answerers: string[] | null;
  /** The principal who may not. */
  not_by: string | null;
  asked_at: string;
  deadline: string | null;
  reminded_at: string | null;
  answered_at: string | null;
  answered_by: string | null;
  answered_by_name: string | null;
  /** Reminders so far. */
  reminders: number;
  /** How often it has changed: escalations and reminders, then the end. */
  version: number;
}

/** The run's workflow, and the principal who started it. */
interface RunOf {
  workflow: string;
  principal: string;
}

/** Characters of a message in lists; the approval itself has all of it. */
const messageMax = 500;

/** The approvals that these transitions, the last of the run so far, have made or changed, as they stand after them. */
export function approvalRows(state: RunState, transitions: readonly Transition[], facts: RunOf): ApprovalRow[] {
  const places = new Map<string, { s: number; i: number }>();
  const add = (s: number, i: number): void => void places.set(`${s} ${i}`, { s, i });
  for (const transition of transitions) {
    switch (transition.t) {
      case 'asks':
      case 'escalated':
      case 'reminded':
      case 'answered':
        add(transition.s, transition.i);
        break;
      case 'failed':
        // What was let happen may fail later: that is nothing of its approval.
        if (unitOf(state, transition.s, transition.i)?.approval?.answer === undefined) add(transition.s, transition.i);
        break;
      case 'stopped':
      case 'ending':
      case 'entered':
      case 'ended':
        state.steps.forEach((step, s) => {
          if (!asksPeople(state.graph, s)) return;
          step.units.forEach(
            (unit, index) =>
              unit.status === 'cancelled' &&
              unit.approval?.answer === undefined &&
              unit.endedAt === transition.at &&
              add(s, step.isFanned ? index : -1),
          );
        });
        break;
      default:
    }
  }
  return [...places.values()].flatMap(({ s, i }) => approvalRow(state, s, i, facts) ?? []);
}

/** The approval of a unit as it stands; undefined where nothing was asked. */
export function approvalRow(state: RunState, s: number, i: number, { workflow, principal }: RunOf): ApprovalRow | undefined {
  const step = state.graph.steps[s] as GraphStep;
  const unit = unitOf(state, s, i);
  const approval = unit?.approval;
  if (unit === undefined || approval === undefined) return undefined;
  const status = approvalStatus(unit);
  const { answer, level, escalate = [], reminded, remindedAt, remind = [] } = approval;
  const isEnded = status !== 'open';
  return {
    approval_id: approval.id,
    workflow,
    step: keyOf(state, s, i),
    label: step.label ?? step.key,
    message: approval.message.slice(0, messageMax).toWellFormed(),
    status,
    answerers: namesOf(answerersNow(approval)),
    not_by: policyOf(step, unit).notBy === 'starter' ? principal : null,
    asked_at: new Date(approval.askedAt).toISOString(),
    deadline: approval.deadline === undefined ? null : new Date(approval.deadline).toISOString(),
    reminded_at: remindedAt === undefined ? null : new Date(remindedAt).toISOString(),
    answered_at: isEnded ? new Date(answer?.at ?? unit.endedAt ?? approval.askedAt).toISOString() : null,
    answered_by: answer?.by?.id ?? null,
    answered_by_name: answer?.by?.name ?? null,
    reminders: reminded,
    version: isEnded ? escalate.length + remind.length + 2 : level + reminded + 1,
  };
}

function namesOf(answerers: Answerers | undefined): string[] | null {
  if (answerers === undefined) return null;
  return [...answerers.roles.map((role) => `role:${role}`), ...answerers.principals.map((name) => `principal:${name}`)];
}
