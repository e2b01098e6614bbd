import { TimerHeap } from '@signalbox/workflow/timers/timer-heap.js';

interface Moment {
  actions: (() => void)[];
  next: number;
}

/** Actions on a virtual clock, in the order of their times; those of one time in the order in which they were set. */
export class Schedule {
  private readonly heap = new TimerHeap();
  private readonly moments = new Map<number, Moment>();

  /** `now`: epoch milliseconds. */
  constructor(public now: number) {}

  at(time: number, action: () => void): void {
    const due = Math.max(time, this.now);
    const moment = this.moments.get(due);
    if (moment) moment.actions.push(action);
    else {
      this.moments.set(due, { actions: [action], next: 0 });
      this.heap.set(due, () => this.moments.delete(due));
    }
  }

  /** When the next action is due; undefined when nothing is left to happen. */
  nextDue(): number | undefined {
    return this.heap.nextDue();
  }

  /** Moves the clock to the next action and does it. */
  fireNext(): void {
    const due = this.heap.nextDue();
    const moment = due === undefined ? undefined : this.moments.get(due);
    if (due === undefined || moment === undefined) return;
    this.now = due;
    const action = moment.actions[moment.next++] as () => void;
    if (moment.next === moment.actions.length) this.heap.run(due);
    action();
  }

  /** Lets time pass, at most until the next action is due. */
  pass(ms: number): void {
    this.now = Math.min(this.now + ms, this.nextDue() ?? Infinity);
  }
}
