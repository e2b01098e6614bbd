import { now } from '@signalbox/shared/telemetry/clock.js';
import { restOf } from '@signalbox/workflow/core/rest.js';
import type { Children } from './children.ts';
import type { LiveRun } from './live-run.ts';
import type { Owner } from './owner.ts';

const sweepMs = 250;
/** A run that waits is kept for this long, so that a quick answer or retry finds it in memory. */
const idleMs = 1_000;
/** Nobody rests for less. More than `wakeAheadMs`: who was loaded for a timer stays until it is due. */
const restMinMs = 10_000;
/** Runs are loaded this long before they are due. */
export const wakeAheadMs = 3_000;
/** Runs put to rest by one sweep: each is a row. */
const sweepMax = 2_000;

/** Puts runs to rest that only wait. What they wait for is in their rows from then on, and nothing of them in memory. */
export class Resting {
  /** Runs that waited when they were looked at last, and since when; the longest first. */
  private readonly idle = new Map<LiveRun, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly owner: Owner,
    private readonly children: Children,
    private readonly mayAct: () => boolean,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.sweep(), sweepMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Called when something has happened to a run. */
  noticed(run: LiveRun): void {
    this.idle.delete(run);
    if (run.isIdle) this.idle.set(run, performance.now());
  }

  private sweep(): void {
    if (!this.mayAct()) return;
    const before = performance.now() - idleMs;
    let rested = 0;
    for (const [run, since] of this.idle) {
      if (since > before || rested >= sweepMax) return;
      this.idle.delete(run);
      // Whatever happens to one that stays has it noticed again.
      if (this.owner.find(run.uuid) !== run || !run.isIdle) continue;
      const rest = restOf(run.state);
      if (rest === undefined || rest.due - now() < restMinMs || rest.children.some((child) => this.owner.find(child))) continue;
      if (this.owner.isAwaited(run.uuid) || rest.children.some((child) => this.children.isStarting(child))) {
        this.idle.set(run, performance.now());
        continue;
      }
      this.owner.feed(run, { type: 'rest' });
      rested++;
    }
  }
}
