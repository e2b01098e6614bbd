import { Injectable } from '@nestjs/common';
import { answerApproval } from '@signalbox/shared/contracts/execution/answer-approval.js';
import type { ApprovalView } from '@signalbox/shared/contracts/execution/approval-view.js';
import type { ListApprovalsReply, ListApprovalsRequest } from '@signalbox/shared/contracts/execution/list-approvals.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { toUuid } from '@signalbox/shared/ids/ids.js';
import { may, type Caller } from '@signalbox/shared/identity/caller.js';
import { uuidOf } from '../runs/run-search.ts';
import { approvalView } from './approval-view.ts';
import type { ApprovalRow } from './approval-row.ts';

type Times = 'asked_at' | 'deadline' | 'reminded_at' | 'answered_at';
type StoredRow = Omit<ApprovalRow, Times | 'reminders' | 'version'> & { run_id: string } & Record<Times, Date | null>;

/** Words of one search. */
const wordsMax = 8;
/** Of one answer: what does not fit comes with the next page. */
const bytesMax = 400_000;

/** Approvals as the journal's appends have listed them. Under row security of the caller's workspace. */
@Injectable()
export class ApprovalStore {
  constructor(private readonly db: WorkspaceDatabase) {}

  /** The run of an approval; null when the workspace has none of this id. */
  async runOf(workspace: string, uuid: string): Promise<string | null> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<{ run_id: string }[]>(`SELECT run_id FROM approval WHERE approval_id = $1`, [uuid]);
      return row?.run_id ?? null;
    });
  }

  /** The newest first. */
  async list(caller: Caller, filter: ListApprovalsRequest): Promise<ListApprovalsReply> {
    const { workspace, principal } = caller;
    const before = filter.cursor === undefined ? null : uuidOf(decodeCursor(filter.cursor, 1)[0] as string);
    const statuses = filter.status && filter.status.length > 0 ? filter.status : null;
    const words = (filter.q ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, wordsMax);
    const limit = filter.limit ?? pageLimitDefault;
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      // What is not asked for is null, and gone when PostgreSQL plans with these values.
      tx.query<StoredRow[]>(
        `SELECT * FROM approval
          WHERE workspace = $1
            AND ($2::uuid IS NULL OR approval_id < $2)
            AND ($3::text[] IS NULL OR status = ANY($3))
            AND ($4::uuid IS NULL OR run_id = $4)
            AND ($5::text IS NULL OR workflow = $5)
            AND ($6::text IS NULL OR answered_by = $6
                 OR (status = 'open' AND not_by IS DISTINCT FROM $6 AND $7::text[] IS NOT NULL AND (answerers IS NULL OR answerers && $7)))
            AND NOT EXISTS (SELECT 1 FROM unnest($8::text[]) AS word WHERE strpos(lower(workflow || ' ' || step || ' ' || label || ' ' || message), word) = 0)
          ORDER BY approval_id DESC LIMIT $9`,
        [
          workspace,
          before,
          statuses,
          filter.run === undefined ? null : toUuid(filter.run, 'run'),
          filter.workflow ?? null,
          filter.mine === true ? principal : null,
          may(caller, answerApproval.permission) ? namesOf(caller) : null,
          words,
          limit + 1,
        ],
      ),
    );
    const found = rows.map((row) => ({ uuid: row.approval_id, view: approvalView(rowOf(row), row.run_id, caller) }));
    return pageOf(
      found,
      fitting(found, limit),
      ({ uuid }) => [uuid],
      ({ view }) => view,
    );
  }
}

/** How many of them fit into one answer, at least one. */
function fitting(found: readonly { view: ApprovalView }[], limit: number): number {
  let bytes = 0;
  const first = found.findIndex(({ view }) => (bytes += Buffer.byteLength(JSON.stringify(view))) > bytesMax);
  return first < 0 ? limit : Math.max(1, Math.min(first, limit));
}

/** What rows call this caller, as `approvalRow` writes it. */
function namesOf({ principal, name, roles }: Caller): string[] {
  const names = principal.startsWith('agent_') ? [principal] : [principal, name];
  return [...roles.map((role) => `role:${role}`), ...names.map((each) => `principal:${each}`)];
}

function rowOf({ asked_at, deadline, reminded_at, answered_at, ...row }: StoredRow): ApprovalRow {
  const iso = (time: Date | null): string | null => time?.toISOString() ?? null;
  const times = {
    asked_at: iso(asked_at) as string,
    deadline: iso(deadline),
    reminded_at: iso(reminded_at),
    answered_at: iso(answered_at),
  };
  return { ...row, ...times, reminders: 0, version: 0 };
}
