/** A timer that was set; cancelling it costs nothing. */
export interface Timer {
  readonly due: number;
  isCancelled: boolean;
}

interface Entry extends Timer {
  fire: () => void;
}

/** Cancelled timers are swept out of the heap when they are more than this and more than half of it. */
const sweepMin = 1_024;

/** Timers by their due time. Pure but for what fires: whoever owns it asks `nextDue` and calls `run`. */
export class TimerHeap {
  private entries: Entry[] = [];
  private cancelled = 0;

  get size(): number {
    return this.entries.length - this.cancelled;
  }

  set(due: number, fire: () => void): Timer {
    const entry: Entry = { due, fire, isCancelled: false };
    this.entries.push(entry);
    this.up(this.entries.length - 1);
    return entry;
  }

  cancel(timer: Timer | undefined): void {
    if (timer === undefined || timer.isCancelled) return;
    timer.isCancelled = true;
    // It may stay in the heap for long: what it was for does not.
    (timer as Entry).fire = nothing;
    this.cancelled++;
    if (this.cancelled > sweepMin && this.cancelled > this.entries.length / 2) this.sweep();
  }

  /** When the earliest is due; undefined when there is none. */
  nextDue(): number | undefined {
    this.dropCancelled();
    return this.entries[0]?.due;
  }

  /** Fires, in order, what is due at `now`; what they set is fired too if it is due. */
  run(now: number): void {
    for (let due = this.nextDue(); due !== undefined && due <= now; due = this.nextDue()) {
      const entry = this.pop();
      entry.isCancelled = true;
      entry.fire();
    }
  }

  private dropCancelled(): void {
    while (this.entries[0]?.isCancelled) {
      this.pop();
      this.cancelled--;
    }
  }

  private sweep(): void {
    this.entries = this.entries.filter(({ isCancelled }) => !isCancelled).sort((a, b) => a.due - b.due);
    this.cancelled = 0;
  }

  private pop(): Entry {
    const top = this.entries[0] as Entry;
    const last = this.entries.pop() as Entry;
    if (this.entries.length > 0) {
      this.entries[0] = last;
      this.down(0);
    }
    return top;
  }

  private up(at: number): void {
    const entry = this.entries[at] as Entry;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.entries[parent] as Entry;
      if (above.due <= entry.due) break;
      this.entries[at] = above;
      at = parent;
    }
    this.entries[at] = entry;
  }

  private down(at: number): void {
    const entry = this.entries[at] as Entry;
    for (;;) {
      let child = 2 * at + 1;
      const right = this.entries[child + 1];
      if (right !== undefined && right.due < (this.entries[child] as Entry).due) child++;
      const below = this.entries[child];
      if (below === undefined || below.due >= entry.due) break;
      this.entries[at] = below;
      at = child;
    }
    this.entries[at] = entry;
  }
}

function nothing(): void {}
