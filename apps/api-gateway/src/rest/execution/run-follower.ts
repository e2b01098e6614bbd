import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listRunEvents, type ListRunEventsReply } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { endingRunEvents, type RunEventView } from '@signalbox/shared/contracts/execution/run-event.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EventStream } from '../../platform/event-stream.ts';
import { RunFeed } from './run-feed.ts';

/** Live events may be lost: a follower that heard nothing for so long looks into the journal. */
const quietMs = 10_000;
const retryMs = 1_000;
const heldMax = 100;

/** Somebody who is told of a run's events, each once and in order. */
export interface Follower {
  tell(event: RunEventView): void;
  /** The run has ended and all of it was told. */
  end(): void;
  /** Whether it still listens. */
  isOpen(): boolean;
}

/** Follows runs: what was, from the journal; what happens, from the live events; what was missed, from the journal again. */
@Injectable()
export class RunFollower {
  constructor(
    private readonly bus: Bus,
    private readonly feed: RunFeed,
  ) {}

  /** The first events after `after`: rejects when the caller may not see the run. Give it to `follow`. */
  open(run: string, after: number, caller: Caller): Promise<ListRunEventsReply> {
    return this.bus.request(listRunEvents, { run, after, limit: 200 }, caller);
  }

  /** A page of what is recorded. */
  page(run: string, after: number, limit: number | undefined, caller: Caller): Promise<ListRunEventsReply> {
    return this.bus.request(listRunEvents, { run, after, ...(limit !== undefined && { limit }) }, caller);
  }

  /** Tells an open stream everything, then has `last` say the last word and closes it. */
  async stream(
    run: string,
    after: number,
    first: ListRunEventsReply,
    caller: Caller,
    stream: EventStream,
    last: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    let isOpen = true;
    const following = new AbortController();
    stream.onClose(() => {
      isOpen = false;
      following.abort();
    });
    const stop = await this.follow(run, after, first, caller, {
      tell: (event) => stream.send({ ...(event.type !== 'step.progress' && { id: String(event.seq) }), event: event.type, data: event }),
      end: () => {
        last()
          .catch((err: unknown) => log.warn('the end of a run was not told', { run, err }))
          .finally(() => stream.close());
      },
      isOpen: () => isOpen,
    });
    if (following.signal.aborted) stop();
    else following.signal.addEventListener('abort', stop, { once: true });
  }

  /** Tells `follower` everything after `after` until the run ends or nobody listens. Returns what stops it. */
  async follow(run: string, after: number, first: ListRunEventsReply, caller: Caller, follower: Follower): Promise<() => void> {
    let seen = after;
    let isReading = true;
    let isAgain = false;
    let heardAt = performance.now();
    /** Progress that came while the journal was being read: it is told after what happened before it. */
    const held: RunEventView[] = [];
    const tell = (event: RunEventView): void => {
      if (!follower.isOpen()) return;
      if (event.type === 'step.progress') return follower.tell(event);
      if (event.seq <= seen) return;
      seen = event.seq;
      follower.tell(event);
      if (endingRunEvents.includes(event.type)) finish();
    };
    let isFinished = false;
    const finish = (): void => {
      if (isFinished) return;
      isFinished = true;
      stop();
      follower.end();
    };
    /** Reads what the journal has after what was told. */
    const read = async (page?: ListRunEventsReply): Promise<void> => {
      isReading = true;
      try {
        do {
          if (page === undefined) {
            isAgain = false;
            page = await this.open(run, seen, caller);
          }
          page.data.forEach(tell);
          const { hasMore, isEnded } = page;
          page = undefined;
          if (isFinished || !follower.isOpen()) return;
          if (isEnded && !hasMore) return finish();
          if (hasMore) isAgain = true;
        } while (isAgain);
      } finally {
        isReading = false;
        heardAt = performance.now();
        for (const event of held.splice(0)) tell(event);
      }
    };
    const catchUp = (): void => {
      if (isReading) {
        isAgain = true;
        return;
      }
      read().catch((err: unknown) => {
        log.debug('a run was not read for its follower', { run, err });
        if (follower.isOpen()) setTimeout(catchUp, retryMs).unref();
      });
    };
    const unfollow = await this.feed.follow(run, (event) => {
      heardAt = performance.now();
      if (isReading && event.type === 'step.progress') {
        if (held.length < heldMax) held.push(event);
        return;
      }
      // A number that was left out may be an event that was lost, or one that only the engine needs.
      if (event.type === 'step.progress' || (!isReading && event.seq === seen + 1)) tell(event);
      else if (event.seq > seen) catchUp();
    });
    const timer = setInterval(() => {
      if (performance.now() - heardAt > quietMs) catchUp();
    }, quietMs / 2);
    const stop = (): void => {
      clearInterval(timer);
      unfollow();
    };
    // What came between the first page and now is read again by its number.
    isAgain = true;
    read(first).catch(() => setTimeout(catchUp, retryMs).unref());
    return stop;
  }
}
