import { approvalChanged, type ApprovalChanged } from '@signalbox/shared/contracts/execution/approval-changed.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { auditEvents, type AuditRecord } from '@signalbox/shared/outbox/audit.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { unitOf } from '@signalbox/workflow/core/state.js';
import type { OutboxEvent } from '../journal/append.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { ApprovalRow } from './approval-row.ts';

/** What the stream is told of a row that changes approvals: each change, and for the audit who answered. */
export function approvalEvents(run: LiveRun, transitions: readonly Transition[], rows: readonly ApprovalRow[]): OutboxEvent[] {
  const at = Math.round(transitions.at(-1)?.at ?? 0);
  const changes = rows.map((row) => changeOf(run, row, at));
  return [...changes, ...transitions.flatMap((transition) => (transition.t === 'answered' ? recordOf(run, transition) : []))];
}

function changeOf(run: LiveRun, { approval_id, workflow, step, status, reminders, version }: ApprovalRow, at: number): OutboxEvent {
  const id = fromUuid('approval', approval_id);
  const payload: ApprovalChanged = { id, run: run.id, workflow, step, status, ...(reminders > 0 && { reminders }), at };
  return { id: newUuid(), subject: approvalChanged.subject, entity: id, version, payload };
}

/** Nothing of what was typed: that stands in the run. */
function recordOf(run: LiveRun, { s, i, at, by, approved }: Transition & { t: 'answered' }): OutboxEvent[] {
  const approval = unitOf(run.state, s, i)?.approval;
  if (by === null || approval === undefined) return [];
  const id = newUuid();
  const payload: AuditRecord = {
    id,
    at: Math.round(at),
    principal: by.id,
    name: by.name,
    action: approved ? 'approval.approve' : 'approval.reject',
    target: `approval ${fromUuid('approval', approval.id)}`,
    outcome: 'allowed',
    detail: { run: run.id, workflow: run.facts.workflow },
  };
  return [{ id, subject: auditEvents.execution.subject, entity: id, version: 1, payload }];
}
