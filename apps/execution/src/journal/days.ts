import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** Partitions are there a week before they are needed, so that a database which refuses them is noticed in time. */
const aheadDays = 7;
const everyMs = 3_600_000;
/** Locks are waited for shortly only, so that no run waits behind us: what did not get one tries again. */
const againMs = 60_000;
/** Rows deleted at once: short transactions. */
const chunk = 5_000;
/** What goes with a day and is no partition of it; runs last, so that what is left of a day is found again. */
const emptied = [
  `DELETE FROM approval WHERE approval_id IN (SELECT approval_id FROM approval WHERE day = $1 LIMIT $2)`,
  `DELETE FROM run WHERE run_id IN (SELECT run_id FROM run WHERE day = $1 LIMIT $2)`,
];

/** Makes the journal's partitions ahead of time and drops what is due. */
export class Days {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly system: SystemDatabase,
    private readonly keepDays: number,
  ) {}

  async start(): Promise<void> {
    await this.makeDays();
    this.tendAfter(everyMs);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private tendAfter(pauseMs: number): void {
    if (this.isStopped) return;
    const tend = async (): Promise<void> => {
      try {
        await this.tend();
        this.tendAfter(everyMs);
      } catch (err) {
        log.warn('the journal was not tended', { err });
        this.tendAfter(againMs);
      }
    };
    this.timer = setTimeout(() => void tend(), pauseMs);
    this.timer.unref();
  }

  /** Once an hour: days ahead, old days, expired keys, old operations. */
  async tend(): Promise<void> {
    await this.makeDays();
    await this.dropDays();
    await this.system.source.query(
      `DELETE FROM start_key WHERE (workspace, key) IN (SELECT workspace, key FROM start_key WHERE expires < now() LIMIT $1)`,
      [chunk],
    );
    // Kept for as long as runs are after their end.
    await this.system.source.query(
      `WITH old AS (
         DELETE FROM run_operation WHERE (workspace, operation_id) IN (
           SELECT workspace, operation_id FROM run_operation WHERE ended_at < now() - $2::int * interval '1 day' LIMIT $1)
         RETURNING workspace, operation_id
       ) DELETE FROM run_operation_failure f USING old WHERE f.workspace = old.workspace AND f.operation_id = old.operation_id`,
      [chunk, this.keepDays],
    );
  }

  private async makeDays(): Promise<void> {
    await this.system.source.query(`SELECT make_days(current_date - 1, current_date + $1::int)`, [aheadDays]);
  }

  private async empty(statement: string, day: string): Promise<void> {
    for (let deleted = chunk; deleted === chunk;) {
      const [, count] = await this.system.source.query<[unknown, number]>(statement, [day, chunk]);
      deleted = count;
    }
  }

  /** A day whose runs have all ended goes whole; one that has a live run waits for it. */
  private async dropDays(): Promise<void> {
    // The planner may read the day of every table's name before it looks whose parts they are: other names have none.
    const days: { day: string }[] = await this.system.source.query(
      `SELECT to_char(d.day, 'YYYY-MM-DD') AS day FROM (
         SELECT to_date(substring(c.relname FROM '^journal_([0-9]{8})$'), 'YYYYMMDD') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
          WHERE i.inhparent = 'journal'::regclass) d
       WHERE d.day < current_date - $1::int
         AND NOT EXISTS (SELECT 1 FROM run WHERE run.day = d.day AND (status = 'running' OR closing)) ORDER BY day`,
      [this.keepDays],
    );
    for (const { day } of days) {
      for (const statement of emptied) await this.empty(statement, day);
      await this.system.source.query(`SELECT drop_day($1::date)`, [day]);
      log.info('a day of runs was dropped', { day });
    }
  }
}
