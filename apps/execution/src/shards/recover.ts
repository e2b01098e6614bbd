import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { RunEvent } from '../core/events.ts';
import { restore } from '../core/restore.ts';
import { readJournals } from '../journal/journal-reader.ts';
import type { Definitions } from '../workflows/definitions.ts';
import type { LiveRun, RunFacts } from './live-run.ts';
import type { Owner } from './owner.ts';

/** Runs loaded at once: their journals are in memory together. */
const chunk = 200;

interface RunRow {
  run_id: string;
  workspace: string;
  workflow: string;
  definition: string;
  shard: number;
  labels: Record<string, string>;
  principal: string;
  principal_name: string;
  grant_id: string;
  parent: string | null;
  timeout_ms: string;
  created_at: Date;
}

/** Loads live runs from what is committed, and makes them this owner's. */
export class Recovery {
  constructor(
    private readonly system: SystemDatabase,
    private readonly owner: Owner,
    private readonly definitions: Definitions,
  ) {}

  /** The live runs of all shards. Each gets `taken(epoch)`, which fences whoever had it; returns those that are fenced. */
  async loadAll(epoch: number): Promise<LiveRun[]> {
    const loaded: LiveRun[] = [];
    let after = '00000000-0000-0000-0000-000000000000';
    for (;;) {
      const rows: RunRow[] = await this.system.source.query(
        `SELECT * FROM run WHERE (status = 'running' OR closing) AND run_id > $1 ORDER BY run_id LIMIT $2`,
        [after, chunk],
      );
      loaded.push(...(await this.load(rows)));
      const last = rows.at(-1);
      if (rows.length < chunk || last === undefined) break;
      after = last.run_id;
    }
    const fenced = await Promise.all(loaded.map((run) => this.fence(run, epoch)));
    return fenced.filter((run) => run !== null);
  }

  /** One run again, after its owner lost a race for it; null when it is not live. */
  async loadOne(uuid: string, epoch: number): Promise<LiveRun | null> {
    const rows: RunRow[] = await this.system.source.query(`SELECT * FROM run WHERE run_id = $1 AND status = 'running'`, [uuid]);
    const [run] = await this.load(rows);
    return run ? this.fence(run, epoch) : null;
  }

  private async load(rows: readonly RunRow[]): Promise<LiveRun[]> {
    const journals = await readJournals(
      this.system.source,
      rows.map(({ run_id }) => run_id),
    );
    const loaded: LiveRun[] = [];
    for (const row of rows) {
      try {
        const graph = await this.definitions.graphOf(this.system.source, row.workspace, row.definition);
        const read = journals.get(row.run_id) ?? [];
        const transitions = read.flatMap((entry) => entry.transitions);
        const state = restore(row.run_id, graph, transitions);
        loaded.push(this.owner.adopt(row.run_id, state, factsOf(row), transitions.length));
      } catch (err) {
        log.error('a run cannot be loaded and is set aside', { run: row.run_id, err });
        await this.system.source.query(`UPDATE run SET reason = 'quarantined' WHERE run_id = $1`, [row.run_id]);
      }
    }
    return loaded;
  }

  private async fence(run: LiveRun, epoch: number): Promise<LiveRun | null> {
    const event: RunEvent = { type: 'taken', epoch };
    const outcome = await this.owner.deliver(run.uuid, event).catch((err: unknown) => {
      log.warn('a run was not taken: another owner writes to it', { run: run.id, err });
      return undefined;
    });
    return outcome === 'taken' ? run : null;
  }
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
