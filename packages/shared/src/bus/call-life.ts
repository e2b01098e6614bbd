import { Fault } from '../errors/fault.ts';
import { now } from '../telemetry/clock.ts';

/** How long a call lives: until its deadline, or until whoever asked gives up. Costs nothing until somebody looks at `signal`. */
export class CallLife {
  private controller: AbortController | null = null;
  private timer: NodeJS.Timeout | null = null;
  private ended: Fault | null = null;

  constructor(readonly deadline: number) {}

  /** Aborted when nobody waits any more. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.ended) this.controller.abort(this.ended);
      else {
        const late = (): void => this.end(new Fault('timeout', 'the deadline has passed', 'Allow more time.'));
        this.timer = setTimeout(late, Math.min(this.deadline - now(), 2_147_483_647));
      }
    }
    return this.controller.signal;
  }

  /** Ends the call early: nobody waits for it. */
  end(why: Fault): void {
    this.ended ??= why;
    this.controller?.abort(this.ended);
  }

  /** Throws why the call is over, if it is: an answer would reach nobody. */
  throwIfOver(): void {
    if (this.ended) throw this.ended;
    if (this.deadline <= now()) throw new Fault('timeout', 'the deadline has passed', 'Allow more time.');
  }

  /** The work is done: the deadline is not watched any more. */
  done(): void {
    if (this.timer) clearTimeout(this.timer);
  }
}
