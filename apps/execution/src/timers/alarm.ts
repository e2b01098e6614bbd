import { now } from '@signalbox/shared/telemetry/clock.js';
import { TimerHeap, type Timer } from '@signalbox/workflow/timers/timer-heap.js';

/** Never longer than this, so that a clock that was corrected is followed. */
const sleepMaxMs = 5_000;

/** Fires the timers of a heap by the database's clock, while its owner may act. */
export class Alarm {
  private readonly heap = new TimerHeap();
  private timeout: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private wakeAt = Infinity;
  private isStopped = false;

  /** `mayAct`: whether the owner's lease was renewed lately; timers wait until it is. */
  constructor(private readonly mayAct: () => boolean) {}

  get size(): number {
    return this.heap.size;
  }

  set(due: number, fire: () => void): Timer {
    const timer = this.heap.set(due, fire);
    if (due < this.wakeAt) this.arm(due);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    this.heap.cancel(timer);
  }

  /** Fires what is due now; called too when the lease was renewed after a gap. */
  ring(): void {
    if (this.isStopped) return;
    if (this.mayAct()) this.heap.run(now());
    const due = this.heap.nextDue();
    this.wakeAt = Infinity;
    if (due !== undefined) this.arm(this.mayAct() ? due : Math.max(due, now() + 100));
  }

  stop(): void {
    this.isStopped = true;
    this.disarm();
  }

  private arm(due: number): void {
    if (this.isStopped) return;
    this.disarm();
    this.wakeAt = due;
    const ms = due - now();
    // The shortest timeout takes a millisecond.
    if (ms <= 0) this.immediate = setImmediate(() => this.ring());
    else this.timeout = setTimeout(() => this.ring(), Math.min(sleepMaxMs, ms));
  }

  private disarm(): void {
    clearTimeout(this.timeout);
    clearImmediate(this.immediate);
  }
}
