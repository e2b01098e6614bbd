import type { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { wakeAheadMs } from './resting.ts';

const lookMs = 1_000;
/** Runs loaded at once: those of a page are under way before the next is read. */
const page = 500;

export interface WakingPorts {
  /** Shards whose runs may be loaded now; none while there is too much to do. */
  shards(): readonly number[];
  /** Whether a run is in memory here. */
  isLive(uuid: string): boolean;
  /** Loads runs and goes on with them. Returns how many. */
  load(ids: readonly string[]): Promise<number>;
}

/** Has runs loaded that rest, shortly before they are due. */
export class Waking {
  private timer: NodeJS.Timeout | undefined;
  private isLooking = false;

  constructor(
    private readonly system: SystemDatabase,
    private readonly ports: WakingPorts,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.look(), lookMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      for (let shards = this.ports.shards(); shards.length > 0; shards = this.ports.shards()) {
        const due: { run_id: string }[] = await this.system.source.query(
          `SELECT run_id FROM run WHERE wake_at < now() + $2 * interval '1 millisecond' AND shard = ANY($1) ORDER BY wake_at LIMIT $3`,
          [shards, wakeAheadMs, page],
        );
        const ids = due.map(({ run_id }) => run_id).filter((id) => !this.ports.isLive(id));
        // What could not be loaded is looked at again later.
        if (ids.length === 0 || (await this.ports.load(ids)) === 0 || due.length < page) return;
      }
    } catch (err) {
      log.warn('runs that are due were not loaded: it is tried again', { err });
    } finally {
      this.isLooking = false;
    }
  }
}
