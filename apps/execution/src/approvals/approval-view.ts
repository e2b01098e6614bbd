import type { Answerers as AnswerersView, ApprovalDetail, ApprovalView } from '@signalbox/shared/contracts/execution/approval-view.js';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import { may, type Caller } from '@signalbox/shared/identity/caller.js';
import { asksPeople, objectionTo, policyOf, shownOf, type Answerers, type Approval } from '@signalbox/workflow/core/approval.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { guarded, inputOf, workOf } from '@signalbox/workflow/core/scope.js';
import type { GraphStep } from '@signalbox/workflow/core/graph.js';
import { raiseShown } from '@signalbox/workflow/core/spending.js';
import { unitOf, type RunState } from '@signalbox/workflow/core/state.js';
import { cut } from '@signalbox/workflow/views/cut.js';
import type { RunFacts } from '../shards/live-run.ts';
import { approvalRow, type ApprovalRow } from './approval-row.ts';

/** What is shown in one answer, as large as a message holds beside the rest. */
const shownMaxBytes = 200_000;

/** Where an approval stands in its run. */
export interface ApprovalPlace {
  s: number;
  i: number;
  approval: Approval;
}

/** The approval of this UUID in a run. */
export function placeOf(state: RunState, uuid: string): ApprovalPlace | undefined {
  for (const [s, { units, isFanned }] of state.steps.entries()) {
    if (!asksPeople(state.graph, s)) continue;
    const index = units.findIndex(({ approval }) => approval?.id === uuid);
    const approval = units[index]?.approval;
    if (approval !== undefined) return { s, i: isFanned ? index : -1, approval };
  }
  return undefined;
}

/** An approval as it is listed for this caller. */
export function approvalView(row: ApprovalRow, run: string, caller: Caller): ApprovalView {
  const by = answerersOf(row.answerers);
  const whyNot = row.status === 'open' ? objectionOf(row, by, caller) : null;
  return {
    id: fromUuid('approval', row.approval_id),
    run: fromUuid('run', run),
    workflow: row.workflow,
    step: row.step,
    label: row.label,
    message: row.message,
    status: row.status,
    by,
    askedAt: row.asked_at,
    deadline: row.deadline,
    remindedAt: row.reminded_at,
    answeredAt: row.answered_at,
    answeredBy: row.answered_by === null ? null : { id: row.answered_by, name: row.answered_by_name ?? '' },
    mayAnswer: row.status === 'open' && whyNot === null,
    whyNot,
  };
}

/** An approval with all that is needed to answer it. */
export function approvalDetail(state: RunState, { s, i, approval }: ApprovalPlace, facts: RunFacts, caller: Caller): ApprovalDetail {
  const policy = policyOf(state.graph.steps[s] as GraphStep, unitOf(state, s, i));
  const shown = guarded(() => shownAt(state, s, i));
  return {
    ...approvalView(approvalRow(state, s, i, facts) as ApprovalRow, state.run, caller),
    message: approval.message,
    shown: 'error' in shown ? null : cut(shown.value, shownMaxBytes),
    form: policy.form ?? null,
    escalations: (approval.escalate ?? []).slice(approval.level).map(({ at, by }) => ({ at: new Date(at).toISOString(), by })),
    reminders: (approval.remind ?? []).slice(approval.reminded).map((at) => new Date(at).toISOString()),
    onDeadline: policy.onDeadline,
    onReject: policy.onReject,
    startedBy: facts.principalName,
    data: approval.answer?.data ?? null,
    comment: approval.answer?.comment ?? null,
  };
}

/** What people see beside the message: what the workflow shows them, or what a model wants to call. */
function shownAt(state: RunState, s: number, i: number): Json {
  const raise = unitOf(state, s, i)?.approval?.raise;
  if (raise !== undefined) return raiseShown(state, s, raise);
  const input = inputOf(state, s, i);
  if (state.graph.steps[s]?.llm === undefined) return shownOf(input);
  const { kind, target, skill } = workOf(state, s, i);
  return { [kind]: target, ...(skill !== undefined && { skill }), arguments: input };
}

function objectionOf({ not_by }: ApprovalRow, by: Answerers | null, caller: Caller): string | null {
  if (!may(caller, answerApproval.permission)) return `it needs the permission ${answerApproval.permission}`;
  const { principal: id, name, roles } = caller;
  return objectionTo({ id, name, roles }, by ?? undefined, not_by === id);
}

function answerersOf(names: readonly string[] | null): AnswerersView | null {
  if (names === null) return null;
  const of = (kind: string): string[] => names.flatMap((name) => (name.startsWith(kind) ? [name.slice(kind.length)] : []));
  return { roles: of('role:'), principals: of('principal:') };
}
