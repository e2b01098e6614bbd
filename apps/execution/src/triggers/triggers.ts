import { Injectable } from '@nestjs/common';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { ExpressionError } from '@signalbox/workflow/core/graph.js';
import type { Json } from '@signalbox/workflow/core/json.js';
import { record, type Firing } from '../schedules/firing.store.ts';
import { Ignition } from '../schedules/ignition.ts';
import { triggerOf } from './trigger.ts';
import type { StoredTrigger } from './trigger.store.ts';

/** Events of one trigger in a minute, where its manifest does not say otherwise. */
export const ratePerMinuteDefault = 60;
/** Fewer than are kept of it, by which they are counted. */
const ratePerMinuteMax = 400;

/** Does what triggers do with an event, whatever kind it is. */
@Injectable()
export class Triggers {
  constructor(
    private readonly ignition: Ignition,
    private readonly db: WorkspaceDatabase,
  ) {}

  /**
   * Starts the run of an event, which `key` names, unless that was done. Throws where it should be tried again; what failed for good is tried
   * again when the event comes again.
   */
  async fire({ source, manifest }: StoredTrigger, key: string, event: Json): Promise<Firing> {
    const known = await this.known(source, key);
    if (known) return known;
    const firing: Firing = { key, time: now(), ...(await this.ignite(source, manifest, key, event)) };
    await this.keep(source, firing);
    return firing;
  }

  /** Whether the trigger had as many events in the last minute as it may, and this is another. */
  async isBusy({ source }: StoredTrigger, key: string, most: number): Promise<boolean> {
    const [count] = await this.db.inWorkspace(source.workspace, (tx) =>
      tx.query<{ n: number; known: boolean }[]>(
        `SELECT count(*) FILTER (WHERE time > now() - interval '1 minute')::int AS n, coalesce(bool_or(key = $2), false) AS known
           FROM firing WHERE source = $1`,
        [source.id, key],
      ),
    );
    return count !== undefined && !count.known && count.n >= Math.min(most, ratePerMinuteMax);
  }

  /** Writes down what became of an event. */
  async keep(source: StoredTrigger['source'], firing: Firing): Promise<void> {
    await this.db.inWorkspace(source.workspace, (tx) => record(tx, source.workspace, source.id, firing));
  }

  private async ignite(
    source: StoredTrigger['source'],
    manifest: StoredTrigger['manifest'],
    key: string,
    event: Json,
  ): Promise<Pick<Firing, 'outcome' | 'reason' | 'run'>> {
    const trigger = triggerOf(manifest);
    try {
      if (!trigger.takes(event)) return { outcome: 'skipped', reason: 'its condition is not met' };
    } catch (thrown) {
      if (!(thrown instanceof ExpressionError)) throw thrown;
      return { outcome: 'failed', reason: `${thrown.pointer}: ${thrown.message}` };
    }
    return this.ignition.ignite(source, key, () => trigger.input(event));
  }

  private async known({ workspace, id }: StoredTrigger['source'], key: string): Promise<Firing | null> {
    const [row] = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<(Pick<Firing, 'outcome'> & { time: Date; reason: string | null; run_id: string | null })[]>(
        `SELECT time, outcome, reason, run_id FROM firing WHERE source = $1 AND key = $2 AND outcome <> 'failed'`,
        [id, key],
      ),
    );
    if (!row) return null;
    return { key, time: row.time.getTime(), outcome: row.outcome, reason: row.reason ?? undefined, run: row.run_id ?? undefined };
  }
}
