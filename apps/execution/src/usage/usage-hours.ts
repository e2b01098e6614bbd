import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';

const everyMs = 10_000;
/** Entries moved, and old hours deleted, in one transaction. */
const page = 5_000;
const keepDays = 400;

// In the order of the key, so that replicas that move entries of the same hours do not wait for each other in a circle.
const moveSql = `WITH moved AS (
    DELETE FROM usage_entry WHERE ctid = ANY(ARRAY(SELECT ctid FROM usage_entry LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING *
  ), added AS (
    INSERT INTO usage_hour AS h (workspace, hour, workflow, agent, model, attempts, input_tokens, output_tokens, cost_usd)
    SELECT workspace, hour, workflow, agent, model, sum(attempts), sum(input_tokens), sum(output_tokens), sum(cost_usd) FROM moved
     GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (workspace, hour, workflow, agent, model) DO UPDATE
      SET attempts = h.attempts + excluded.attempts, input_tokens = h.input_tokens + excluded.input_tokens,
          output_tokens = h.output_tokens + excluded.output_tokens, cost_usd = h.cost_usd + excluded.cost_usd
  )
  SELECT count(*)::int AS n FROM moved`;
const dropSql = `DELETE FROM usage_hour WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM usage_hour WHERE hour < now() - $2::int * interval '1 day' LIMIT $1 FOR UPDATE SKIP LOCKED))`;

/** Adds what attempts used to their hours, so that what is kept of it grows with hours and names, not with attempts. */
@Injectable()
export class UsageHours implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private isMoving = false;

  constructor(private readonly system: SystemDatabase) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.tend(), everyMs);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  private async tend(): Promise<void> {
    if (this.isMoving) return;
    this.isMoving = true;
    try {
      await this.move();
      await this.system.source.query(dropSql, [page, keepDays]);
    } catch (err) {
      log.warn('what was used was not added to its hours', { err });
    } finally {
      this.isMoving = false;
    }
  }

  /** Moves what is there. */
  async move(): Promise<void> {
    for (let moved = page; moved === page;) {
      const rows: { n: number }[] = await this.system.source.query(moveSql, [page]);
      moved = rows[0]?.n ?? 0;
    }
  }
}
