import { FairQueue } from '../journal/fair-queue.ts';
import type { QueuedTask } from './queued-task.ts';

/** So many attempts of runs that were taken over are handed out at once, which is all of them in the usual case; then so many a second. */
export const paceBurst = 2_000;
export const pacePerSecond = 2_000;
const turnMs = 20;

/**
 * Attempts that may have been handed out before, by an owner that is gone, go through a token bucket, workspace by workspace: ten thousand runs that are taken
 * over together flood neither workers and targets nor what is new beside them.
 */
export class Pace {
  private readonly line = new FairQueue<QueuedTask>();
  private tokens = paceBurst;
  private filledAt: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    /** Called for a task whose turn has come. */
    private readonly go: (task: QueuedTask) => void,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.filledAt = clock();
  }

  /** Whether a task has to wait for its turn. */
  holds(task: QueuedTask): boolean {
    if (task.again === undefined) return false;
    if (task.again === 'waits') return true;
    this.fill();
    if (this.line.size === 0 && this.tokens >= 1) {
      this.tokens--;
      task.again = undefined;
      return false;
    }
    task.again = 'waits';
    this.line.push(task.workspace, task);
    this.timer ??= setInterval(() => this.turn(), turnMs);
    return true;
  }

  /** Lets go whoever has a token. */
  turn(): void {
    this.fill();
    while (this.tokens >= 1) {
      const task = this.line.take();
      if (task === undefined) return this.stop();
      task.again = undefined;
      if (task.phase !== 'queued') continue; // somebody had it begun, or nobody wants it any more
      this.tokens--;
      this.go(task);
    }
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private fill(): void {
    const at = this.clock();
    this.tokens = Math.min(paceBurst, this.tokens + ((at - this.filledAt) * pacePerSecond) / 1_000);
    this.filledAt = at;
  }
}
