import type { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { RunView, RunStatus } from '@signalbox/shared/contracts/execution/run-view.js';
import type { Failure, RunEvent } from '../core/events.ts';
import { restore } from '../core/restore.ts';
import type { RunState } from '../core/state.ts';
import { readJournal, readJournals, type ReadRow } from '../journal/journal-reader.ts';
import type { RunFacts } from '../shards/live-run.ts';
import type { Definitions } from '../workflows/definitions.ts';
import { failureView } from './failure-view.ts';

interface RunRow {
  run_id: string;
  workspace: string;
  workflow: string;
  definition: string;
  shard: number;
  status: RunStatus;
  reason: string | null;
  labels: Record<string, string>;
  principal: string;
  principal_name: string;
  grant_id: string;
  parent: string | null;
  timeout_ms: string;
  created_at: Date;
  ended_at: Date | null;
  error: string | null;
  progress: string;
  usage: string;
}

export interface RunFilter {
  status?: readonly RunStatus[] | undefined;
  workflow?: string | undefined;
  labels?: Record<string, string> | undefined;
  q?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

/** Words of one search. */
const wordsMax = 8;

/** Runs as they are written: rows, journals, start keys. Under row security of the caller's workspace. */
export class RunStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly definitions: Definitions,
  ) {}

  /** A run from its journal, whoever owns it; null when the workspace has none of this id. */
  async read(workspace: string, uuid: string): Promise<{ state: RunState; facts: RunFacts; isQuarantined: boolean } | null> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<RunRow[]>(`SELECT * FROM run WHERE run_id = $1`, [uuid]);
      if (!row) return null;
      const graph = await this.definitions.graphOf(tx, workspace, row.definition);
      const rows = (await readJournals(tx, [uuid])).get(uuid) ?? [];
      const state = restore(
        uuid,
        graph,
        rows.flatMap(({ transitions }) => transitions),
      );
      return { state, facts: factsOf(row), isQuarantined: row.status === 'running' && row.reason === 'quarantined' };
    });
  }

  /** Journal rows of a run from transition `from` on; null when there is no such run. */
  async readEvents(
    workspace: string,
    uuid: string,
    from: number,
    rows: number,
  ): Promise<{ definition: string; rows: ReadRow[]; isEnded: boolean } | null> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<RunRow[]>(`SELECT definition, status FROM run WHERE run_id = $1`, [uuid]);
      if (!row) return null;
      await this.definitions.graphOf(tx, workspace, row.definition);
      return { definition: row.definition, rows: await readJournal(tx, uuid, from, rows), isEnded: row.status !== 'running' };
    });
  }

  /** The newest first. */
  async list(workspace: string, filter: RunFilter): Promise<{ data: RunView[]; nextCursor: string | null }> {
    const limit = filter.limit ?? pageLimitDefault;
    const before = filter.cursor === undefined ? null : uuidOf(decodeCursor(filter.cursor, 1)[0] as string);
    // `waiting` and `queued` are what a running run does at the moment: only its owner's memory tells them apart.
    const statuses = filter.status && filter.status.length > 0 ? [...new Set(filter.status.map(storedStatus))] : null;
    const labels = filter.labels && Object.keys(filter.labels).length > 0 ? JSON.stringify(filter.labels) : null;
    const words = (filter.q ?? '').toLowerCase().split(/\s+/).filter(Boolean).slice(0, wordsMax);
    return this.db.inWorkspace(workspace, async (tx) => {
      // What is not asked for is null, and gone when PostgreSQL plans with these values.
      const rows = await tx.query<RunRow[]>(
        `SELECT * FROM run
          WHERE workspace = $1
            AND ($2::uuid IS NULL OR run_id < $2)
            AND ($3::text[] IS NULL OR status = ANY($3))
            AND ($4::text IS NULL OR workflow = $4)
            AND ($5::jsonb IS NULL OR (labels <> '{}' AND labels @> $5))
            AND NOT EXISTS (SELECT 1 FROM unnest($6::text[]) AS word
                             WHERE strpos(lower(workflow || ' ' || labels::text || ' ' || principal_name || ' ' || coalesce(error, '')), word) = 0)
          ORDER BY run_id DESC LIMIT $7`,
        [workspace, before, statuses, filter.workflow ?? null, labels, words, limit + 1],
      );
      return pageOf(rows, limit, ({ run_id }) => [run_id], rowView);
    });
  }

  /** The run that a start key of the last 24 h belongs to. */
  async findStartKey(workspace: string, key: string): Promise<{ run: string; requestHash: string } | null> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<{ run_id: string; request_hash: string }[]>(
        `SELECT run_id, request_hash FROM start_key WHERE workspace = $1 AND key = $2 AND expires > now()`,
        [workspace, key],
      );
      return row ? { run: row.run_id, requestHash: row.request_hash } : null;
    });
  }

  /** Leaves an event for whoever owns the run next. False when there is no such run, or it has ended. */
  async leave(workspace: string, uuid: string, event: RunEvent & { type: 'cancel' | 'signal' }): Promise<boolean> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<unknown[]>(
        `INSERT INTO inbox (run_id, id, shard, workspace, event)
         SELECT run_id, $2, shard, workspace, $3 FROM run WHERE run_id = $1 AND status = 'running' RETURNING run_id`,
        [uuid, newUuid(), JSON.stringify(event)],
      );
      return rows.length > 0;
    });
  }
}

function storedStatus(status: RunStatus): string {
  return status === 'queued' || status === 'waiting' ? 'running' : status;
}

/** A cursor's run; one that is no UUID finds nothing before it can be an error of the database. */
function uuidOf(text: string): string {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? text : '00000000-0000-0000-0000-000000000000';
}

function factsOf(row: RunRow): RunFacts {
  return {
    workspace: row.workspace,
    workflow: row.workflow,
    definition: row.definition,
    shard: row.shard,
    labels: row.labels,
    principal: row.principal,
    principalName: row.principal_name,
    grant: row.grant_id,
    parent: row.parent,
    timeoutMs: Number(row.timeout_ms),
    createdAt: row.created_at,
  };
}

function rowView(row: RunRow): RunView {
  return {
    id: fromUuid('run', row.run_id),
    workflow: row.workflow,
    workflowHash: row.definition,
    status: row.status,
    reason: row.reason,
    labels: row.labels,
    error: row.error === null ? null : failureView(JSON.parse(row.error) as Failure),
    parent: row.parent === null ? null : fromUuid('run', row.parent),
    startedBy: row.principal_name,
    createdAt: row.created_at.toISOString(),
    startedAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    progress: JSON.parse(row.progress) as RunView['progress'],
    usage: JSON.parse(row.usage) as RunView['usage'],
  };
}
