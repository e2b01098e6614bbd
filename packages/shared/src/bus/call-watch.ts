import type { NatsConnection } from '@nats-io/transport-node';
import { Fault } from '../errors/fault.ts';
import { isLost } from './connection.ts';
import { servedSubject } from './headers.ts';
import type { Asking } from './requests.ts';

/** Calls that may take this long are watched; shorter ones end by their deadline soon enough. */
export const watchedFromMs = 6_000;
/** As above, of calls that any owner of shards serves: `OwnerChanges` knows nothing of theirs. */
export const watchedOfAnyFromMs = 3_000;
/** Asked for the first time after this, so that there is a suspicion when an owner is replaced. */
const firstAskMs = 1_000;
/** So often while it is served. */
const askEveryMs = 2_000;
/** How long one answer may take, and the pause after none. */
const patienceMs = 1_000;
/** So many questions without an answer, and the replica that served the call is gone: a busy one answers within three. */
const silentMax = 3;

/** Watches one long call: whoever serves it may be killed and would never answer, and its caller should not wait until the deadline. */
export class CallWatch {
  private timer: NodeJS.Timeout | undefined;
  private silent = 0;
  private isOver = false;
  private isReplaced = false;

  constructor(
    private readonly connection: NatsConnection,
    private readonly service: string,
    /** `givesUp`: whether silence alone ends it; else only together with a replaced owner, and its deadline comes soon enough. */
    private readonly call: { callId: string; asking: Asking; givesUp: boolean },
  ) {
    this.askAfter(firstAskMs);
  }

  /** It was answered, or nobody waits any more. */
  stop(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  /** Some replica was replaced: if it is the one that serves the call, which was silent or will be, nothing more comes of it. */
  replaced(): void {
    if (this.isOver) return;
    if (this.silent > 0) this.lose();
    else this.isReplaced = true;
  }

  /** Nobody serves the call any more. */
  private lose(): void {
    this.stop();
    this.call.asking.fail(lostFault(this.service));
  }

  private askAfter(pauseMs: number): void {
    if (this.isOver) return;
    this.timer = setTimeout(() => void this.ask(), pauseMs);
  }

  private async ask(): Promise<void> {
    if (isLost(this.connection)) return this.askAfter(patienceMs); // our own silence proves nothing
    const since = performance.now();
    try {
      await this.connection.request(servedSubject(this.service), this.call.callId, { timeout: patienceMs });
      this.silent = 0;
      this.isReplaced = false;
      this.askAfter(askEveryMs);
    } catch {
      // No answer and no listener mean the same here, and are counted.
      if (this.isOver) return;
      if ((++this.silent >= silentMax && this.call.givesUp) || this.isReplaced) this.lose();
      else this.askAfter(Math.max(0, patienceMs - (performance.now() - since)));
    }
  }
}

function lostFault(service: string): Fault {
  return new Fault(
    'unavailable',
    `${service} broke off while it served the request`,
    'It may have had an effect: look before you repeat it.',
    {
      service,
      retryAfterMs: 1_000,
    },
  );
}
