import { Fault } from '../errors/fault.ts';
import { now } from '../telemetry/clock.ts';

/** Deadlines are noticed this late at most: timers of the same length cost Node less than each its own. */
const stepMs = 50;
const timerMaxMs = 2_147_483_600;

/** How long a call lives: until its deadline, or until whoever asked gives up. Costs next to nothing until somebody waits for its end. */
export class CallLife {
  private readonly listeners = new Set<(why: Fault) => void>();
  private controller: AbortController | null = null;
  private timer: NodeJS.Timeout | null = null;
  private ended: Fault | null = null;

  constructor(readonly deadline: number) {}

  /** Aborted when nobody waits any more. */
  get signal(): AbortSignal {
    if (!this.controller) {
      const controller = new AbortController();
      this.controller = controller;
      this.onEnd((why) => controller.abort(why));
    }
    return this.controller.signal;
  }

  /** Tells `listener` why nobody waits any more, once that is so: now, if it is. Returns what takes that back. */
  onEnd(listener: (why: Fault) => void): () => void {
    if (this.ended) {
      listener(this.ended);
      return nothing;
    }
    this.listeners.add(listener);
    this.timer ??= setTimeout(() => this.end(lateFault()), Math.min(stepsOf(this.deadline - now()), timerMaxMs));
    return () => this.listeners.delete(listener);
  }

  /** The promise's result; or, when nobody waits any more, why. What the promise stands for goes on. */
  whileAwaited<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = this.onEnd(reject);
      work.then(resolve, reject).finally(forget);
    });
  }

  /** Ends the call early: nobody waits for it. */
  end(why: Fault): void {
    if (this.ended) return;
    this.ended = why;
    this.done();
    for (const listener of this.listeners) listener(why);
  }

  /** Throws why the call is over, if it is: an answer would reach nobody. */
  throwIfOver(): void {
    if (this.ended) throw this.ended;
    if (this.deadline <= now()) throw lateFault();
  }

  /** The work is done: the deadline is not watched any more. */
  done(): void {
    if (this.timer) clearTimeout(this.timer);
  }
}

function nothing(): void {}

function stepsOf(ms: number): number {
  return Math.ceil(ms / stepMs) * stepMs;
}

function lateFault(): Fault {
  return new Fault('timeout', 'the deadline has passed', 'Allow more time.');
}
