import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EntityManager } from 'typeorm';
import { dropDay, forgetExpired, rewriteDay } from './expiry.ts';
import { countDay, expiredOf, expiredOfDay, expiredOfWorkflow, policies } from './retention.ts';

/** Partitions are there a week before they are needed, so that a database which refuses them is noticed in time. */
const aheadDays = 7;
const everyMs = 3_600_000;
const againMs = 60_000;
/** Rows deleted at once: short transactions. */
const chunk = 5_000;
/** Runs forgotten of one day or workflow before others have their turn; the rest an hour later. */
const forgottenMax = 50_000;
/** A day of which something stays is looked at this often. */
const lookMs = 86_400_000;

const lockDays = `SELECT pg_try_advisory_lock(hashtextextended(current_schema() || ' days', 0)) AS "isOurs"`;
const unlockDays = `SELECT pg_advisory_unlock(hashtextextended(current_schema() || ' days', 0))`;

/** Makes the journal's partitions ahead of time, and lets go of the runs that are due. */
export class Days {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  /** Days of which something stays, and when they were looked at; as many as there are partitions. */
  private readonly looked = new Map<string, number>();

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

  /** Once an hour: days ahead, runs that are due, expired keys, old operations. */
  async tend(): Promise<void> {
    await this.makeDays();
    await this.alone(async (db) => {
      for (const day of await this.dueDays()) {
        try {
          await this.tendDay(db, day);
        } catch (err) {
          // Locks are waited for shortly only, so that no run waits behind us. What did not get one has its turn an hour later, since its copy begins anew.
          log.warn('a day of runs was not tended', { day, err });
        }
      }
      for (const policy of await policies(db)) await this.forget(db, () => expiredOfWorkflow(policy, this.keepDays));
    });
    const expired = `DELETE FROM start_key WHERE (workspace, key) IN (SELECT workspace, key FROM start_key WHERE expires < now() LIMIT $1)`;
    for (let count = chunk; count === chunk && !this.isStopped;) {
      [, count] = await this.system.source.query<[unknown, number]>(expired, [chunk]);
    }
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

  /**
   * Does what one replica at a time may do, over one connection: who loses that does nothing more. Where another is at it, nothing is left to be done.
   */
  private async alone(work: (db: EntityManager) => Promise<void>): Promise<void> {
    const runner = this.system.source.createQueryRunner();
    try {
      const [{ isOurs }] = (await runner.query(lockDays)) as [{ isOurs: boolean }];
      if (!isOurs) return;
      try {
        await work(runner.manager);
      } finally {
        await runner.query(unlockDays);
      }
    } finally {
      await runner.release();
    }
  }

  private async dueDays(): Promise<string[]> {
    // The planner may read the day of every table's name before it looks whose parts they are: other names have none.
    const days: { day: string }[] = await this.system.source.query(
      `SELECT to_char(d.day, 'YYYY-MM-DD') AS day FROM (
         SELECT to_date(substring(c.relname FROM '^journal_([0-9]{8})$'), 'YYYYMMDD') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
          WHERE i.inhparent = 'journal'::regclass) d
       WHERE d.day < current_date - $1::int ORDER BY day`,
      [this.keepDays],
    );
    return days.map(({ day }) => day).filter((day) => performance.now() - (this.looked.get(day) ?? -Infinity) >= lookMs);
  }

  /** A day of which nothing stays is dropped. Where more of it goes than stays, what stays is copied; else what goes is deleted. */
  private async tendDay(db: EntityManager, day: string): Promise<void> {
    const { going, staying, isBegun } = await countDay(db, day, this.keepDays);
    if (staying === 0) {
      await dropDay(db, day);
      this.looked.delete(day);
      log.info('a day of runs was dropped', { day });
      return;
    }
    if (isBegun || going > staying) {
      await rewriteDay(db, day, this.keepDays);
      log.info('of a day of runs, what stays was kept', { day, runs: staying });
    } else await this.forget(db, () => expiredOfDay(day, this.keepDays));
    this.looked.set(day, performance.now());
  }

  private async forget(db: EntityManager, expired: () => ReturnType<typeof expiredOfDay>): Promise<void> {
    for (let forgotten = 0, found = 1; found > 0 && forgotten < forgottenMax && !this.isStopped; forgotten += found) {
      const runs = await expiredOf(db, expired());
      found = runs.length;
      await forgetExpired(db, runs);
    }
  }
}
