import { isAway, type SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import type { Owned } from '@signalbox/shared/shards/lease.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setImmediate } from 'node:timers/promises';
import type { RunEvent } from '@signalbox/workflow/core/events.js';
import { restore } from '@signalbox/workflow/core/restore.js';
import { journalLengths, readJournals, type ReadRow } from '../journal/journal-reader.ts';
import { readAside, requireReadable } from '../runs/read-aside.ts';
import type { Definitions } from '../workflows/definitions.ts';
import { crashesMax, type Crashes } from './crashes.ts';
import type { Culprit } from './culprit.ts';
import { anotherHasIt, type LiveRun } from './live-run.ts';
import type { RestingPlaces } from '../limits/limited-runs.ts';
import type { Owner } from './owner.ts';
import { factsOf, type FactsRow } from './run-facts.ts';

/** Runs loaded at once: their journals are in memory together. */
const chunk = 200;
/** Transitions of runs whose journals are read together: some 50 ms of work, and a few megabytes. */
const groupMax = 20_000;

/**
 * Runs that somebody is to have in memory: those that do not rest; resting parents whose child has ended, and resting children whose parent has,
 * while nobody could tell them.
 */
const awake = `SELECT run_id FROM run WHERE status = 'running' AND wake_at IS NULL AND shard = ANY($1) AND reason IS DISTINCT FROM 'quarantined'
  UNION SELECT p.run_id FROM run p
   WHERE p.wake_at IS NOT NULL AND p.rests_on_child AND p.shard = ANY($1)
     AND EXISTS (SELECT 1 FROM run c WHERE c.parent = p.run_id AND c.status <> 'running')
  UNION SELECT c.run_id FROM run c JOIN run p ON p.run_id = c.parent
   WHERE c.wake_at IS NOT NULL AND c.parent IS NOT NULL AND c.shard = ANY($1) AND p.status <> 'running'
  ORDER BY run_id`;

/** Of these, those that nobody has set aside, with how often an owner died of each; what an owner that lives is at does not count. */
const loadable = `SELECT *, (SELECT count(*)::int FROM run_crash c
    WHERE c.run_id = run.run_id AND c.at > now() - interval '1 day'
      AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.owner = c.owner AND r.lease_until > now())) AS crashes
  FROM run WHERE run_id = ANY($1::uuid[]) AND status = 'running' AND reason IS DISTINCT FROM 'quarantined'`;

interface RunRow extends FactsRow {
  is_waiting: boolean;
  /** How often owners died of it. */
  crashes: number;
}

export interface RecoveryPorts {
  /** A run could not be loaded: it is tried again, some times. */
  broke(run: string): void;
  setAside(run: string): void;
}

/** Loads live runs from what is committed, and makes them this owner's. */
export class Recovery {
  constructor(
    private readonly system: SystemDatabase,
    private readonly owner: Owner,
    private readonly definitions: Definitions,
    private readonly culprit: Culprit,
    private readonly crashes: Crashes,
    private readonly ports: RecoveryPorts,
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

  /** Runs of shards that rest while they wait for places of limits or have some: what others wait for. The oldest first. */
  async restingPlaces(owned: readonly Owned[]): Promise<RestingPlaces[]> {
    return this.system.source.query(
      `SELECT run_id AS uuid, workspace, created_at AS "createdAt", places FROM run
        WHERE shard = ANY($1) AND wake_at IS NOT NULL AND places IS NOT NULL AND status = 'running' ORDER BY run_id`,
      [owned.map(({ shard }) => shard)],
    );
  }

  /** As `loadShards`, of runs that are named; those that live here already are left out. `epochOf`: undefined for shards that are not ours. */
  async loadRuns(ids: readonly string[], epochOf: (shard: number) => number | undefined): Promise<{ fenced: LiveRun[]; missed: string[] }> {
    const loaded: LiveRun[] = [];
    for (let at = 0; at < ids.length; at += chunk) {
      const rows: RunRow[] = await this.system.source.query(loadable, [ids.slice(at, at + chunk)]);
      loaded.push(...(await this.load(rows, epochOf)));
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
    const rows: RunRow[] = await this.system.source.query(loadable, [[uuid]]);
    const [run] = await this.load(rows, () => epoch);
    return run ? this.fence(run, epoch) : null;
  }

  /**
   * A run that was set aside, in memory but not under way, as far as its journal can be read; null where it is not set aside, or another's. `isWhole`: `conflict`
   * where that is not all of it.
   */
  async loadAside(uuid: string, epoch: number, isWhole: boolean): Promise<LiveRun | null> {
    const rows: RunRow[] = await this.system.source.query(
      `SELECT * FROM run WHERE run_id = $1 AND status = 'running' AND reason = 'quarantined'`,
      [uuid],
    );
    const [row] = rows;
    if (row === undefined || this.owner.find(uuid) !== undefined) return null;
    if (isWhole) await requireReadable(this.system.source, this.definitions, row);
    const { state, next } = await readAside(this.system.source, this.definitions, row);
    return state.epoch > epoch ? null : this.owner.adopt(uuid, state, { ...factsOf(row), isWaiting: row.is_waiting }, next, true);
  }

  private async load(rows: readonly RunRow[], epochOf: (shard: number) => number | undefined): Promise<LiveRun[]> {
    const healthy: RunRow[] = [];
    for (const row of rows) {
      if (row.crashes < crashesMax) healthy.push(row);
      else await this.setAside(row, epochOf(row.shard));
    }
    const loaded: LiveRun[] = [];
    for (const group of await this.groupsOf(healthy)) {
      loaded.push(...(await this.loadGroup(group)));
      // The lease is renewed in between, however long their journals are.
      await setImmediate();
    }
    return loaded;
  }

  /** Runs whose journals are short enough to be in memory together; a longer one is alone. */
  private async groupsOf(rows: readonly RunRow[]): Promise<RunRow[][]> {
    if (rows.length <= 1) return rows.map((row) => [row]);
    const lengths = await journalLengths(
      this.system.source,
      rows.map(({ run_id }) => run_id),
    );
    const groups: RunRow[][] = [];
    let left = 0;
    for (const row of rows) {
      const length = lengths.get(row.run_id) ?? 0;
      if (groups.length === 0 || length > left) {
        groups.push([]);
        left = groupMax;
      }
      groups.at(-1)?.push(row);
      left -= length;
    }
    return groups;
  }

  private async loadGroup(rows: readonly RunRow[]): Promise<LiveRun[]> {
    const journals = await this.journalsOf(rows);
    const loaded: LiveRun[] = [];
    for (const row of rows) {
      try {
        const read = journals.get(row.run_id);
        if (read instanceof Error) throw read;
        const transitions = (read ?? []).flatMap((entry) => entry.transitions);
        const graphs = await this.definitions.graphsOf(this.system.source, row.workspace, row.definition, transitions);
        // Something else may have had it loaded meanwhile.
        if (this.owner.find(row.run_id)) continue;
        const state = this.culprit.during(row.run_id, () => restore(row.run_id, graphs.first, transitions, graphs.later));
        const rests = transitions.at(-1)?.t === 'rested';
        loaded.push(this.owner.adopt(row.run_id, state, { ...factsOf(row), isWaiting: row.is_waiting }, transitions.length, rests));
      } catch (err) {
        if (isAway(err)) throw err;
        log.error('a run cannot be loaded', { run: row.run_id, err });
        this.ports.broke(row.run_id);
      }
    }
    return loaded;
  }

  /** The journals of runs; an error for one that cannot be read. */
  private async journalsOf(rows: readonly RunRow[]): Promise<Map<string, ReadRow[] | Error>> {
    const ids = rows.map(({ run_id }) => run_id);
    try {
      return await readJournals(this.system.source, ids);
    } catch (err) {
      if (isAway(err)) throw err;
      if (ids.length === 1) return new Map([[ids[0] as string, err as Error]]);
    }
    const each = new Map<string, ReadRow[] | Error>();
    for (const row of rows) for (const [run, read] of await this.journalsOf([row])) each.set(run, read);
    return each;
  }

  private async setAside(row: RunRow, epoch: number | undefined): Promise<void> {
    if (epoch === undefined) return;
    const because = `what handles it failed, or its owner ended, ${row.crashes} times within a day`;
    log.error('a run is set aside until a person releases or fails it', { run: row.run_id, because });
    await this.crashes.quarantine(row, epoch, now(), because);
    this.ports.setAside(row.run_id);
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
