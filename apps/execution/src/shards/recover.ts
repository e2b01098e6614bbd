import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { Owned } from '@signalbox/shared/shards/lease.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { RunEvent } from '@signalbox/workflow/core/events.js';
import { readJournals } from '../journal/journal-reader.ts';
import type { Definitions } from '../workflows/definitions.ts';
import { anotherHasIt, type LiveRun, type RunFacts } from './live-run.ts';
import type { Owner } from './owner.ts';

/** Runs loaded at once: their journals are in memory together. */
const chunk = 200;

/**
 * Runs that somebody is to have in memory: those that do not rest; resting parents whose child has ended, and resting children whose parent has,
 * while nobody could tell them.
 */
const awake = `SELECT run_id FROM run WHERE (status = 'running' OR closing) AND wake_at IS NULL AND shard = ANY($1)
  UNION SELECT p.run_id FROM run p
   WHERE p.wake_at IS NOT NULL AND p.rests_on_child AND p.shard = ANY($1)
     AND EXISTS (SELECT 1 FROM run c WHERE c.parent = p.run_id AND c.status <> 'running')
  UNION SELECT c.run_id FROM run c JOIN run p ON p.run_id = c.parent
   WHERE c.wake_at IS NOT NULL AND c.parent IS NOT NULL AND c.shard = ANY($1) AND p.status <> 'running'
  ORDER BY run_id`;

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
  is_waiting: boolean;
}

/** Loads live runs from what is committed, and makes them this owner's. */
export class Recovery {
  constructor(
    private readonly system: SystemDatabase,
    private readonly owner: Owner,
    private readonly definitions: Definitions,
  ) {}

  /**
   * The live runs of shards. Each gets `taken(epoch)`, which fences whoever had it. `missed`: runs that somebody wrote to in between; they are
   * to be loaded once more.
   */
  async loadShards(owned: readonly Owned[]): Promise<{ fenced: LiveRun[]; missed: string[] }> {
    const ids: { run_id: string }[] = await this.system.source.query(awake, [owned.map(({ shard }) => shard)]);
    const epochs = new Map(owned.map(({ shard, epoch }) => [shard, epoch]));
    return this.loadRuns(
      ids.map(({ run_id }) => run_id),
      (shard) => epochs.get(shard),
    );
  }

  /** The same of runs that are named; those that live here already are left out. `epochOf`: undefined for shards that are not ours. */
  async loadRuns(ids: readonly string[], epochOf: (shard: number) => number | undefined): Promise<{ fenced: LiveRun[]; missed: string[] }> {
    const loaded: LiveRun[] = [];
    for (let at = 0; at < ids.length; at += chunk) {
      const rows: RunRow[] = await this.system.source.query(
        `SELECT * FROM run WHERE run_id = ANY($1::uuid[]) AND (status = 'running' OR closing)`,
        [ids.slice(at, at + chunk)],
      );
      loaded.push(...(await this.load(rows)));
    }
    const fenced: LiveRun[] = [];
    const missed: string[] = [];
    const fence = async (run: LiveRun): Promise<void> => {
      if (await this.fence(run, epochOf(run.facts.shard) ?? -1)) fenced.push(run);
      else missed.push(run.uuid);
    };
    await Promise.all(loaded.map(fence));
    return { fenced, missed };
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
        const read = journals.get(row.run_id) ?? [];
        const transitions = read.flatMap((entry) => entry.transitions);
        const state = await this.definitions.restore(this.system.source, row.workspace, row.run_id, row.definition, transitions);
        // Something else may have had it loaded meanwhile.
        if (this.owner.find(row.run_id)) continue;
        const rests = transitions.at(-1)?.t === 'rested';
        loaded.push(this.owner.adopt(row.run_id, state, factsOf(row), transitions.length, rests));
      } catch (err) {
        log.error('a run cannot be loaded and is set aside', { run: row.run_id, err });
        await this.system.source.query(`UPDATE run SET reason = 'quarantined', wake_at = NULL WHERE run_id = $1`, [row.run_id]);
      }
    }
    return loaded;
  }

  private async fence(run: LiveRun, epoch: number): Promise<LiveRun | null> {
    if (run.state.epoch > epoch) {
      // The shard was taken again since: whoever did owns the run.
      this.owner.drop([run], anotherHasIt());
      return null;
    }
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
    isWaiting: row.is_waiting,
  };
}
