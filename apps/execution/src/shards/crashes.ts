import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { newUuid } from '@signalbox/shared/ids/ids.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { dayOf } from '../journal/identifiers.ts';

/** So many times a run may end its owner, or what handles it, within a day. */
export const crashesMax = 3;

/** A run that is set aside is fenced like one that is taken, and by the owner of its shard alone: it is not loaded for it. */
const quarantineSql = `WITH held AS (
    SELECT shard FROM shard WHERE shard = $2 AND epoch = $3 FOR SHARE
  ), last AS (
    SELECT seq + count AS next, workspace FROM journal WHERE run_id = $1 AND day = $4 ORDER BY seq DESC LIMIT 1
  ), appended AS (
    INSERT INTO journal (run_id, seq, day, count, workspace, writer, body)
    SELECT $1, last.next, $4, 1, last.workspace, $5, $6 FROM last, held
    ON CONFLICT DO NOTHING RETURNING run_id
  )
  UPDATE run SET reason = 'quarantined', wake_at = NULL, rests_on_child = false, standing = standing || '{"isWaiting":true}'
   WHERE run_id IN (SELECT run_id FROM appended)`;

/** What is known of runs that end their owners. */
export class Crashes {
  constructor(private readonly system: SystemDatabase) {}

  /** What handles the run threw: its owner went on without it. */
  async add(run: string): Promise<void> {
    await this.system.source.query(`INSERT INTO run_crash (run_id, owner) VALUES ($1, $2)`, [run, newUuid()]);
  }

  /** Forgets those of a run that a person has looked after, and old ones of any. */
  async forget(run: string): Promise<void> {
    await this.system.source.query(`DELETE FROM run_crash WHERE run_id = $1 OR at < now() - interval '1 day'`, [run]);
  }

  /** Sets a run aside until a person has said what follows; nothing where the shard is another's by now. */
  async quarantine(run: { run_id: string; shard: number }, epoch: number, at: number, because: string): Promise<void> {
    const transitions: Transition[] = [{ t: 'quarantined', at, epoch, because }];
    const values = [run.run_id, run.shard, epoch, dayOf(run.run_id), 'quarantine', Buffer.from(JSON.stringify(transitions))];
    await this.system.source.query(quarantineSql, values);
  }
}
