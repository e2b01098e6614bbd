import type { Answerers, Approval, ApprovalDetail, ApprovalStatus } from '@signalbox/sdk/client/approvals.js';
import { lampOf, type Lamp } from './lamps.ts';
import { formatWholeSpan } from './time.ts';

/** What a list of approvals can be narrowed to, in the order in which it is offered. */
export const approvalViews = [
  { id: 'open', label: 'Open', statuses: ['open'] },
  { id: 'approved', label: 'Approved', statuses: ['approved'] },
  { id: 'rejected', label: 'Rejected', statuses: ['rejected'] },
  { id: 'unanswered', label: 'Not answered', statuses: ['expired', 'withdrawn'] },
  { id: 'all', label: 'All', statuses: [] },
] as const satisfies readonly { id: string; label: string; statuses: readonly ApprovalStatus[] }[];

const states: Record<ApprovalStatus, string> = {
  open: 'waiting',
  approved: 'succeeded',
  rejected: 'failed',
  expired: 'failed',
  withdrawn: 'cancelled',
};

/** The lamp of an approval: an open one waits. */
export function approvalLampOf(status: ApprovalStatus): Lamp {
  return { ...lampOf(states[status]), word: lampOf(status).word };
}

/** `admins, ann or bob`; whoever may answer approvals at all where nobody is named. */
export function answerersText(by: Answerers | null): string {
  if (by === null) return 'administrators and operators';
  const names = [...by.roles.map((role) => `${role}s`), ...by.principals];
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** How long it may still be answered: `2 h 5 min left`; null where it has no deadline or is not open. */
export function leftText({ status, deadline }: Pick<Approval, 'status' | 'deadline'>, now: number): string | null {
  if (status !== 'open' || deadline === null) return null;
  const left = Date.parse(deadline) - now;
  return left > 0 ? `${formatWholeSpan(left)} left` : 'its time is up';
}

/** What the deadline does, as the end of a sentence that says when. */
export function deadlineText(onDeadline: ApprovalDetail['onDeadline']): string {
  if (onDeadline === 'fail') return 'then the step fails';
  return onDeadline === 'approve' ? 'then it counts as approved' : 'then it counts as rejected';
}

/** How an approval ended; null while it is open. */
export function endText({ status, answeredBy }: Pick<Approval, 'status' | 'answeredBy'>): string | null {
  switch (status) {
    case 'open':
      return null;
    case 'approved':
    case 'rejected':
      return `${lampOf(status).word} by ${answeredBy?.name ?? 'its deadline'}`;
    case 'expired':
      return 'Nobody answered before its deadline';
    case 'withdrawn':
      return 'Its run ended before it was answered';
  }
}
