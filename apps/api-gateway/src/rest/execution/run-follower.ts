import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { listRunEvents, type ListRunEventsReply } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { requirePermission, type Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { EventStream } from '../../platform/event-stream.ts';
import { FollowedRun, type Follower } from './followed-run.ts';
import { JournalPages, pageOf } from './journal-pages.ts';
import { RunFeed } from './run-feed.ts';

const pageLimit = 200;

/** Follows runs: what was, from the journal; what happens, from the live events; what was missed, from the journal again. */
@Injectable()
export class RunFollower {
  /** By workspace and run; who may read the runs of the workspace may follow them. */
  private readonly followed = new Map<string, Promise<FollowedRun>>();
  private readonly pages = new JournalPages();
  private opened = 0;

  constructor(
    private readonly bus: Bus,
    private readonly feed: RunFeed,
  ) {}

  /** A page of what is recorded. */
  page(run: string, after: number, limit: number | undefined, caller: Caller): Promise<ListRunEventsReply> {
    return this.bus.request(listRunEvents, { run, after, ...(limit !== undefined && { limit }) }, caller);
  }

  /** The run, to follow it at once: rejects when the caller may not see it. `after`: where the caller stands. */
  async open(run: string, after: number, caller: Caller): Promise<FollowedRun> {
    requirePermission(caller, listRunEvents.permission);
    const key = `${caller.workspace} ${run}`;
    for (;;) {
      const others = this.followed.get(key);
      if (others === undefined) return this.openAnew(key, run, after, caller);
      try {
        return await others;
      } catch (err) {
        // It was opened as another caller: what that one was told holds for that one alone.
        log.debug('a run was not opened for another follower', { run, err });
      }
    }
  }

  /** Tells an open stream everything after `after`, then has `last` say the last word and closes it. */
  stream(run: FollowedRun, after: number, caller: Caller, stream: EventStream, last: () => Promise<void> = () => Promise.resolve()): void {
    const end = (): void => {
      last()
        .catch((err: unknown) => log.warn('the end of a run was not told', { err }))
        .finally(() => stream.close());
    };
    const follower: Follower = {
      tell: (frames) => stream.write(frames),
      end,
      isReady: () => stream.isReady,
      onReady: (work) => stream.onReady(work),
    };
    stream.onClose(run.add(after, caller, follower));
  }

  private openAnew(key: string, run: string, after: number, caller: Caller): Promise<FollowedRun> {
    const opened = `${++this.opened}`;
    const read = (from: number, as: Caller): Promise<ListRunEventsReply> => this.page(run, from, pageLimit, as);
    const opening = FollowedRun.open(
      {
        hear: (listener) => this.feed.follow(run, listener),
        read: async (from, as) => pageOf(from, await read(from, as)),
        page: (from, as) => this.pages.page(`${opened} ${from}`, from, () => read(from, as)),
        forget: () => this.forget(key, opening),
      },
      after,
      caller,
    );
    this.followed.set(key, opening);
    opening.catch(() => this.forget(key, opening));
    return opening;
  }

  private forget(key: string, opening: Promise<FollowedRun>): void {
    if (this.followed.get(key) === opening) this.followed.delete(key);
  }
}
