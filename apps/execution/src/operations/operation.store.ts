import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import type { RunFilter } from '@signalbox/shared/contracts/execution/run-filter.js';
import type {
  RunAction,
  RunOperationDetail,
  RunOperationStatus,
  RunOperationView,
} from '@signalbox/shared/contracts/execution/run-operation.js';
import type { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault, type FaultCode } from '@signalbox/shared/errors/fault.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';

/** Failures that are kept of one operation, and those that are shown. */
const failuresMax = 10_000;
const failuresShown = 200;
/** Who does not say within this that he goes on has lost the operation. */
const claimS = 30;

/** An operation as its row has it. Ids are UUIDs. */
export interface OperationRow {
  workspace: string;
  operation_id: string;
  action: RunAction;
  filter: RunFilter | null;
  ids: string[] | null;
  from_steps: string[] | null;
  note: string | null;
  status: RunOperationStatus;
  reason: string | null;
  total: number;
  done: number;
  failed: number;
  /** Runs that are being worked on: done again by whoever comes next. */
  open: string[];
  /** The runs from this one on are still to be done, the oldest first: parents before what they started. */
  after: string;
  /** Runs that were started later are not meant. */
  before: string;
  principal: string;
  principal_name: string;
  grant_id: string;
  request_hash: string;
  created_at: Date;
  ended_at: Date | null;
}

/** What an operation begins as. */
export type NewOperation = Pick<
  OperationRow,
  'operation_id' | 'action' | 'filter' | 'ids' | 'total' | 'before' | 'principal' | 'principal_name' | 'grant_id' | 'request_hash'
> & { from: string[] | null; note: string | null; key: string | null };

/** A run that could not be done. */
export interface OperationFailure {
  run: string;
  code: FaultCode;
  detail: string;
}

/** Operations on many runs: their rows. */
export class OperationStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
  ) {}

  /** Writes a new operation; null where the key has one already. */
  async insert(tx: EntityManager, workspace: string, given: NewOperation): Promise<OperationRow | null> {
    const { operation_id, action, filter, ids, from, note, total, before, principal, principal_name, grant_id, key, request_hash } = given;
    const [row] = await tx.query<OperationRow[]>(
      `INSERT INTO run_operation (workspace, operation_id, action, filter, ids, from_steps, note, total, before, after, principal, principal_name,
                                  grant_id, key, request_hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '00000000-0000-0000-0000-000000000000', $10, $11, $12, $13, $14)
       ON CONFLICT (workspace, principal, key) WHERE key IS NOT NULL DO NOTHING RETURNING *`,
      [
        workspace,
        operation_id,
        action,
        filter === null ? null : JSON.stringify(filter),
        ids,
        from,
        note,
        total,
        before,
        principal,
        principal_name,
        grant_id,
        key,
        request_hash,
      ],
    );
    return row ?? null;
  }

  async findKey(tx: EntityManager, principal: string, key: string): Promise<OperationRow | null> {
    const [row] = await tx.query<OperationRow[]>(`SELECT * FROM run_operation WHERE principal = $1 AND key = $2`, [principal, key]);
    return row ?? null;
  }

  /** `not_found` when the workspace has none of this id. */
  async get(workspace: string, id: string): Promise<RunOperationDetail> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const uuid = toUuid(id, 'runop');
      const [row] = await tx.query<OperationRow[]>(`SELECT * FROM run_operation WHERE operation_id = $1`, [uuid]);
      if (!row) throw unknownOperation(id);
      const failures = await tx.query<{ run_id: string; code: FaultCode; detail: string }[]>(
        `SELECT run_id, code, detail FROM run_operation_failure WHERE operation_id = $1 ORDER BY run_id DESC LIMIT $2`,
        [uuid, failuresShown],
      );
      return {
        ...operationView(row),
        failures: failures.map(({ run_id, code, detail }) => ({ run: fromUuid('run', run_id), code, detail })),
      };
    });
  }

  /** The newest first. */
  async list(
    workspace: string,
    limit = pageLimitDefault,
    cursor?: string,
  ): Promise<{ data: RunOperationView[]; nextCursor: string | null }> {
    const before = cursor === undefined ? null : toUuid(decodeCursor(cursor, 1)[0] as string, 'runop');
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<OperationRow[]>(
        `SELECT * FROM run_operation WHERE $1::uuid IS NULL OR operation_id < $1 ORDER BY operation_id DESC LIMIT $2`,
        [before, limit + 1],
      );
      return pageOf(rows, limit, ({ operation_id }) => [fromUuid('runop', operation_id)], operationView);
    });
  }

  /** Ends one that goes on; one that has ended stays as it is. */
  async cancel(tx: EntityManager, id: string): Promise<RunOperationView> {
    const uuid = toUuid(id, 'runop');
    await tx.query(`UPDATE run_operation SET status = 'cancelled', ended_at = now() WHERE operation_id = $1 AND status = 'running'`, [
      uuid,
    ]);
    const [row] = await tx.query<OperationRow[]>(`SELECT * FROM run_operation WHERE operation_id = $1`, [uuid]);
    if (!row) throw unknownOperation(id);
    return operationView(row);
  }

  /** Takes the operation that has waited longest and that nobody works on; null: there is none. */
  async claim(by: string): Promise<OperationRow | null> {
    const [rows] = await this.system.source.query<[OperationRow[], number]>(
      `UPDATE run_operation SET claimed_by = $1, claimed_until = now() + make_interval(secs => $2)
        WHERE (workspace, operation_id) IN (
          SELECT workspace, operation_id FROM run_operation
           WHERE status = 'running' AND (claimed_until IS NULL OR claimed_until < now())
           ORDER BY claimed_until NULLS FIRST, created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING *`,
      [by, claimS],
    );
    return rows[0] ?? null;
  }

  /** Notes which runs are worked on next; false: the operation was cancelled, or is another's. */
  async open({ workspace, operation_id }: OperationRow, by: string, open: readonly string[], after: string): Promise<boolean> {
    const [, changed] = await this.system.source.query<[unknown, number]>(
      `UPDATE run_operation SET claimed_until = now() + make_interval(secs => $6), open = $4, after = $5
        WHERE workspace = $1 AND operation_id = $2 AND claimed_by = $3 AND status = 'running'`,
      [workspace, operation_id, by, open, after, claimS],
    );
    return changed > 0;
  }

  /** Notes what became of the open runs, and who failed; without open runs that it has ended. False: it does not go on, or is another's. */
  async settle(
    { workspace, operation_id }: OperationRow,
    by: string,
    done: number,
    failures: readonly OperationFailure[],
  ): Promise<boolean> {
    return this.system.run(async (tx) => {
      const isLast = done + failures.length === 0;
      // What was done before a cancel was heard of counts too.
      const [rows] = await tx.query<[{ status: RunOperationStatus; failed: number }[], number]>(
        `UPDATE run_operation SET claimed_until = now() + make_interval(secs => $7), open = '{}', done = done + $4, failed = failed + $5,
                status = CASE WHEN $6 AND status = 'running' THEN 'done' ELSE status END,
                ended_at = CASE WHEN $6 AND status = 'running' THEN now() ELSE ended_at END
          WHERE workspace = $1 AND operation_id = $2 AND claimed_by = $3 AND status <> 'done'
          RETURNING status, failed`,
        [workspace, operation_id, by, done, failures.length, isLast, claimS],
      );
      const [row] = rows;
      if (row !== undefined && failures.length > 0 && row.failed <= failuresMax) {
        await tx.query(
          `INSERT INTO run_operation_failure (workspace, operation_id, run_id, code, detail)
           SELECT $1, $2, f.run_id, f.code, f.detail FROM unnest($3::uuid[], $4::text[], $5::text[]) AS f (run_id, code, detail)
           ON CONFLICT DO NOTHING`,
          [
            workspace,
            operation_id,
            failures.map(({ run }) => run),
            failures.map(({ code }) => code),
            failures.map(({ detail }) => detail.slice(0, 2_048)),
          ],
        );
      }
      return row?.status === 'running';
    });
  }

  /** Ends one that cannot go on. */
  async fail({ workspace, operation_id }: OperationRow, by: string, reason: string): Promise<void> {
    await this.system.source.query(
      `UPDATE run_operation SET status = 'failed', reason = $4, ended_at = now()
        WHERE workspace = $1 AND operation_id = $2 AND claimed_by = $3 AND status = 'running'`,
      [workspace, operation_id, by, reason],
    );
  }

  /** Lets others go on with it. */
  async release({ workspace, operation_id }: OperationRow, by: string): Promise<void> {
    await this.system.source.query(
      `UPDATE run_operation SET claimed_by = NULL, claimed_until = now() WHERE workspace = $1 AND operation_id = $2 AND claimed_by = $3`,
      [workspace, operation_id, by],
    );
  }
}

/** An operation as callers see it. */
export function operationView(row: OperationRow): RunOperationView {
  return {
    id: fromUuid('runop', row.operation_id),
    action: row.action,
    filter: row.filter,
    from: row.from_steps,
    note: row.note,
    status: row.status,
    reason: row.reason,
    total: row.total,
    done: row.done,
    failed: row.failed,
    startedBy: row.principal_name,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

function unknownOperation(id: string): Fault {
  return new Fault('not_found', `there is no operation ${id}`, 'Check the identifier.');
}
