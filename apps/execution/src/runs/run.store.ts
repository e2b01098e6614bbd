import type { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { ListRunProblemsReply, ListRunProblemsRequest } from '@signalbox/shared/contracts/execution/list-run-problems.js';
import type { ListRunsRequest } from '@signalbox/shared/contracts/execution/list-runs.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { RunView, RunStatus } from '@signalbox/shared/contracts/execution/run-view.js';
import type { Failure, RunEvent, Transition, Usage } from '@signalbox/workflow/core/events.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import { restore } from '@signalbox/workflow/core/restore.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { readJournal, readJournals, readReadable, type ReadRow } from '../journal/journal-reader.ts';
import type { RunFacts } from '../shards/live-run.ts';
import { factsOf, type FactsRow } from '../shards/run-facts.ts';
import type { Definitions } from '../workflows/definitions.ts';
import { failureView } from '@signalbox/workflow/views/failure-view.js';
import { restoreAside } from './read-aside.ts';
import { positionOf, problemsMax, problemsStatement, problemView, type ProblemRow } from './run-problems.ts';
import { RunPages, searchIn } from './run-pages.ts';
import { countStatement, newestStatement, targetStatement, type Target } from './run-search.ts';

interface RunRow extends FactsRow {
  status: RunStatus;
  reason: string | null;
  ended_at: Date | null;
  error: string | null;
  progress: string;
  usage: string;
  is_waiting: boolean;
  standing: { upgradedTo?: string };
  origin: RunFacts['origin'] | null;
}

/** What is recorded of a run. */
export interface RecordedRun {
  transitions: readonly Transition[];
  /** As it was after the first so many of them. */
  stateAfter: (count: number) => RunState;
  /** As it is after all of them. */
  state: () => RunState;
  facts: RunFacts;
}

/** Runs as they are written: rows, journals, start keys. Under row security of the caller's workspace. */
export class RunStore {
  private readonly pages: RunPages;

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly definitions: Definitions,
  ) {
    this.pages = new RunPages(db);
  }

  /** A run from its journal, whoever owns it; null when the workspace has none of this id. */
  async read(workspace: string, uuid: string): Promise<{ state: RunState; facts: RunFacts } | null> {
    const recorded = await this.recorded(workspace, uuid);
    return recorded && { state: recorded.state(), facts: recorded.facts };
  }

  /** All that is recorded of a run; null when the workspace has none of this id. */
  async recorded(workspace: string, uuid: string): Promise<RecordedRun | null> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<RunRow[]>(`SELECT * FROM run WHERE run_id = $1`, [uuid]);
      if (!row) return null;
      const graph = await this.definitions.graphOf(tx, workspace, row.definition);
      const isAside = row.reason === 'quarantined';
      const transitions = isAside
        ? (await readReadable(tx, uuid)).transitions
        : ((await readJournals(tx, [uuid])).get(uuid) ?? []).flatMap((each) => each.transitions);
      const graphs = await this.definitions.graphsIn(tx, workspace, transitions);
      const stateAfter = (count: number): RunState => (isAside ? restoreAside : restore)(uuid, graph, transitions.slice(0, count), graphs);
      return {
        transitions,
        stateAfter,
        state: () => stateAfter(transitions.length),
        facts: { ...factsOf(row), ...(row.origin && { origin: row.origin }) },
      };
    });
  }

  /** Journal rows of a run from transition `from` on, and the graph that all of them name steps of; null when there is no such run. */
  async readEvents(
    workspace: string,
    uuid: string,
    from: number,
    rows: number,
  ): Promise<{ graph: Graph; rows: ReadRow[]; isEnded: boolean } | null> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [row] = await tx.query<RunRow[]>(`SELECT definition, status, reason, standing FROM run WHERE run_id = $1`, [uuid]);
      if (!row) return null;
      // What has begun keeps its id: the last graph knows every step that any transition names.
      const upgraded = row.standing.upgradedTo === undefined ? null : await this.recorded(workspace, uuid);
      const graph = upgraded?.state().graph ?? (await this.definitions.graphOf(tx, workspace, row.definition));
      const isAside = row.reason === 'quarantined';
      return { graph, rows: await readJournal(tx, uuid, from, rows, isAside), isEnded: row.status !== 'running' };
    });
  }

  /** One page of a search. `limited` when it takes too long. */
  async list(workspace: string, request: ListRunsRequest): Promise<{ data: RunView[]; nextCursor: string | null }> {
    const { rows, nextCursor } = await this.pages.page<RunRow>(workspace, request);
    return { data: rows.map(rowView), nextCursor };
  }

  /** Failures that nobody has looked after, by reason. `limited` when counting takes too long. */
  async problems(workspace: string, request: ListRunProblemsRequest): Promise<ListRunProblemsReply> {
    const limit = request.limit ?? pageLimitDefault;
    const { text, values } = problemsStatement(workspace, request, limit);
    const rows = await searchIn(this.db, workspace, (tx) => tx.query<ProblemRow[]>(text, values));
    return { ...pageOf(rows, limit, positionOf, problemView), isMore: (rows[0]?.counted ?? 0) > problemsMax };
  }

  /** How many runs a target has, up to `max`, and the newest `sampled` of them. `limited` when that takes too long. */
  async preview(workspace: string, target: Target, max: number, sampled: number): Promise<{ count: number; sample: RunView[] }> {
    const count = countStatement(workspace, target, max);
    const sample = newestStatement(workspace, target, sampled);
    return searchIn(this.db, workspace, async (tx) => {
      const [counted] = await tx.query<{ count: number }[]>(count.text, count.values);
      return { count: counted?.count ?? 0, sample: (await tx.query<RunRow[]>(sample.text, sample.values)).map(rowView) };
    });
  }

  /** At most `limit` runs of a target behind another, the oldest first, as UUIDs. */
  async targets(workspace: string, target: Target, after: string, limit: number): Promise<string[]> {
    const { text, values } = targetStatement(workspace, target, after, limit);
    return searchIn(this.db, workspace, async (tx) => (await tx.query<{ run_id: string }[]>(text, values)).map(({ run_id }) => run_id));
  }

  /** Of those of these runs that have ended: why, and what they used. By UUIDs. */
  async endsOf(workspace: string, uuids: readonly string[]): Promise<{ run: string; reason: string | null; usage: Usage }[]> {
    if (uuids.length === 0) return [];
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<{ run_id: string; reason: string | null; usage: string }[]>(
        `SELECT run_id, reason, usage FROM run WHERE run_id = ANY ($1::uuid[]) AND status <> 'running'`,
        [uuids],
      );
      return rows.map(({ run_id: run, reason, usage }) => ({ run, reason, usage: JSON.parse(usage) as Usage }));
    });
  }

  /** Notes what has become of a failure: nobody needs to look after it any more. Nothing for runs without one. */
  async resolve(workspace: string, uuid: string, resolution: 'replayed' | 'dismissed', note: string | null): Promise<void> {
    await this.db.inWorkspace(workspace, (tx) =>
      tx.query(`UPDATE run SET resolution = $2, resolution_note = $3 WHERE run_id = $1 AND error_code IS NOT NULL`, [
        uuid,
        resolution,
        note,
      ]),
    );
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

  /** Leaves an event for whoever owns the run next. False when there is no such run, or it has ended; `conflict` for one that was set aside. */
  async leave(workspace: string, uuid: string, event: RunEvent & { type: 'cancel' | 'signal' | 'resolve' }): Promise<boolean> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<unknown[]>(
        `INSERT INTO inbox (run_id, id, shard, workspace, event)
         SELECT run_id, $2, shard, workspace, $3 FROM run WHERE run_id = $1 AND status = 'running' AND reason IS DISTINCT FROM 'quarantined' RETURNING run_id`,
        [uuid, newUuid(), JSON.stringify(event)],
      );
      if (rows.length > 0) return true;
      const aside = await tx.query<unknown[]>(`SELECT 1 FROM run WHERE run_id = $1 AND status = 'running'`, [uuid]);
      if (aside.length > 0) throw setAside(uuid);
      return false;
    });
  }
}

/** Nothing is taken of a run that was set aside. */
function setAside(uuid: string): Fault {
  const next = `Look at why (\`signalbox why ${fromUuid('run', uuid)}\`), and release or fail it first.`;
  return new Fault('conflict', 'the run is set aside until a person releases or fails it', next);
}

function rowView(row: RunRow): RunView {
  return {
    id: fromUuid('run', row.run_id),
    workflow: row.workflow,
    workflowHash: row.standing.upgradedTo ?? row.definition,
    ...(row.standing.upgradedTo !== undefined && { startedHash: row.definition }),
    status: row.status === 'running' && row.is_waiting ? 'waiting' : row.status,
    reason: row.reason,
    labels: row.labels,
    error: row.error === null ? null : failureView(JSON.parse(row.error) as Failure),
    parent: row.parent === null ? null : fromUuid('run', row.parent),
    ...(row.origin && { origin: row.origin }),
    startedBy: row.principal_name,
    createdAt: row.created_at.toISOString(),
    startedAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    progress: JSON.parse(row.progress) as RunView['progress'],
    usage: JSON.parse(row.usage) as RunView['usage'],
  };
}
