import type { NatsConnection } from '@nats-io/transport-node';
import { Fault } from '../errors/fault.ts';
import { isLost } from './connection.ts';
import { servedSubject } from './headers.ts';

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
  private lose: () => void = () => undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly service: string,
    private readonly callId: string,
    /** Whether silence alone ends it; else only together with a replaced owner, and its deadline comes soon enough. */
    private readonly givesUp: boolean,
  ) {}

  /** The answer, or `unavailable` once nobody serves the call any more. */
  over<T>(answer: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const end = (): void => {
      this.isOver = true;
      clearTimeout(this.timer);
    };
    answer.then(resolve, reject).finally(end);
    this.lose = () => {
      end();
      reject(lostFault(this.service));
    };
    this.askAfter(firstAskMs);
    return promise;
  }

  /** Some replica was replaced: if it is the one that serves the call, which was silent or will be, nothing more comes of it. */
  replaced(): void {
    if (this.isOver) return;
    if (this.silent > 0) this.lose();
    else this.isReplaced = true;
  }

  private askAfter(pauseMs: number): void {
    if (this.isOver) return;
    this.timer = setTimeout(() => void this.ask(), pauseMs);
  }

  private async ask(): Promise<void> {
    if (isLost(this.connection)) return this.askAfter(patienceMs); // our own silence proves nothing
    const since = performance.now();
    try {
      await this.connection.request(servedSubject(this.service), this.callId, { timeout: patienceMs });
      this.silent = 0;
      this.isReplaced = false;
      this.askAfter(askEveryMs);
    } catch {
      // No answer and no listener mean the same here, and are counted.
      if (this.isOver) return;
      if ((++this.silent >= silentMax && this.givesUp) || this.isReplaced) this.lose();
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
