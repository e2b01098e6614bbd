import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { eventsIn, type RunProgressed } from '@signalbox/shared/contracts/execution/run-event.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import type { JournalPage } from './journal-pages.ts';
import { RecentEvents } from './recent-events.ts';
import { toldEvent, type ToldEvent } from './told-event.ts';

/** Live events may be lost: a run of which nothing was heard for so long is looked up in the journal. */
const quietMs = 10_000;
const retryMs = 1_000;
/** Progress that waits for what happened before it. */
const heldMax = 100;
/** A run stays ready for who comes back, or comes now, for so long. */
const lingerMs = 1_000;
/** So long followers are told in one turn of the event loop, which others need too. */
const sliceMs = 1;
/** Before all of them are told it rests this many times as long as that takes: a crowd gets more at once instead of taking the whole machine. */
const restShare = 7;
const restMaxMs = 500;
/** What telling one takes, until it was measured. */
const tellGuessMs = 0.05;

/** Somebody who is told of a run's events, each once and in order. */
export interface Follower {
  /** Whole events as `text/event-stream`. */
  tell(frames: Buffer): void;
  /** The run has ended and all of it was told. */
  end(): void;
  /** Whether it takes more now. */
  isReady(): boolean;
  /** `work` is called each time that it takes more again. */
  onReady(work: () => void): void;
}

/** How far a follower is. */
interface Place {
  follower: Follower;
  caller: Caller;
  /** The number of the last event that it was told. */
  seen: number;
  /** Where it goes on in the recent events; null while it has no place in them. */
  at: number | null;
  /** It is told from the journal. */
  isBehind: boolean;
  /** Waits for the follower to be ready. */
  onReady?: (() => void) | undefined;
}

export interface RunSource {
  /** Hears live events until the returned function is called. */
  hear(listener: (told: RunProgressed) => void): Promise<() => void>;
  /** What the journal has now after a number. */
  read(after: number, caller: Caller): Promise<JournalPage>;
  /** The same, perhaps as somebody else read it a moment ago. */
  page(after: number, caller: Caller): Promise<JournalPage>;
  /** The run has ended, or nobody follows it any more: who comes opens it anew. */
  forget(): void;
}

/**
 * One run and all who follow it in this process: its live events are heard once, what was missed is read once, and each event is put into words once.
 * A follower that is slow or comes late is told from the journal until it has come to the recent events; it holds nobody up.
 */
export class FollowedRun {
  private readonly places = new Set<Place>();
  private readonly recent: RecentEvents;
  private isEnded = false;
  private isReading = false;
  private isAgain = false;
  private isTelling = false;
  private hasNews = false;
  private tellMs = tellGuessMs;
  private wake: () => void = () => undefined;
  private heardAt = performance.now();
  private held: ToldEvent[] = [];
  private unhear: () => void = () => undefined;
  private watch: NodeJS.Timeout | undefined;
  private lingering: NodeJS.Timeout | undefined;

  private constructor(
    private readonly source: RunSource,
    after: number,
  ) {
    this.recent = new RecentEvents(after);
  }

  /** Rejects when the caller may not see the run. */
  static async open(source: RunSource, after: number, caller: Caller): Promise<FollowedRun> {
    const run = new FollowedRun(source, after);
    run.isReading = true;
    run.unhear = await source.hear((told) => run.hear(told));
    try {
      const page = await source.read(after, caller);
      run.watch = setInterval(() => {
        if (performance.now() - run.heardAt > quietMs) run.catchUp();
      }, quietMs / 2).unref();
      run.take(page);
      run.isReading = false;
      if (page.hasMore || run.isAgain) run.catchUp(caller);
      else run.release();
      run.linger();
      return run;
    } catch (thrown) {
      run.unhear();
      throw thrown;
    }
  }

  /** Whether the run has ended and nothing is left to tell after this number. */
  isOver(after: number): boolean {
    return this.isEnded && this.recent.placeAfter(after) === this.recent.end;
  }

  /** Tells `follower` all after the number `after`, until the run ends or the returned function is called. */
  add(after: number, caller: Caller, follower: Follower): () => void {
    clearTimeout(this.lingering);
    const place: Place = { follower, caller, seen: after, at: null, isBehind: false };
    this.places.add(place);
    follower.onReady(() => {
      place.onReady?.();
      this.tell(place);
    });
    this.tell(place);
    if (this.isAgain) this.catchUp();
    return () => this.leave(place);
  }

  private leave(place: Place): void {
    if (this.places.delete(place) && this.places.size === 0) this.linger();
  }

  private linger(): void {
    clearTimeout(this.lingering);
    this.lingering = setTimeout(() => {
      this.close();
      this.source.forget();
    }, lingerMs);
    this.lingering.unref();
  }

  private close(): void {
    clearInterval(this.watch);
    this.unhear();
  }

  private hear(told: RunProgressed): void {
    this.heardAt = performance.now();
    if (this.isEnded) return;
    const events = eventsIn(told);
    if (told.type === 'step.progress') {
      for (const event of events) this.hearProgress(toldEvent(event));
    } else if ((told.since ?? (events[0]?.seq ?? 0) - 1) <= this.recent.to) {
      for (const event of events) this.append(event.seq, () => toldEvent(event));
    } else if (told.seq > this.recent.to) {
      // What is missing was lost on its way, or came before this process listened.
      this.isAgain = true;
      this.catchUp();
    }
    this.tellAll();
  }

  private hearProgress(event: ToldEvent): void {
    if (!this.isReading && !this.isAgain) this.recent.add(event);
    else if (this.held.length < heldMax) this.held.push(event);
  }

  private append(seq: number, event: () => ToldEvent): void {
    if (seq <= this.recent.to) return;
    const told = event();
    this.recent.add(told);
    if (told.isEnd) this.finish();
  }

  private take({ events, through, isEnd }: JournalPage): void {
    for (const event of events) this.append(event.seq, () => event);
    this.recent.reach(through);
    if (isEnd) this.finish();
  }

  private finish(): void {
    this.isEnded = true;
    this.wake();
    this.close();
    this.source.forget();
  }

  /** Progress that waited for what the journal had. */
  private release(): void {
    for (const event of this.held.splice(0)) if (!this.isEnded) this.recent.add(event);
  }

  /** Reads what the journal has after the recent events, for all. */
  private catchUp(caller?: Caller): void {
    this.isAgain = true;
    const reader = caller ?? this.places.values().next().value?.caller;
    if (this.isReading || this.isEnded || reader === undefined) return; // who comes next is a reader
    this.read(reader).then(
      () => this.tellAll(),
      (err: unknown) => this.readLater(reader, err),
    );
  }

  private async read(caller: Caller): Promise<void> {
    this.isReading = true;
    try {
      while (this.isAgain && !this.isEnded) {
        this.isAgain = false;
        const page = await this.source.read(this.recent.to, caller);
        this.take(page);
        if (page.hasMore) this.isAgain = true;
        this.tellAll();
      }
    } catch (thrown) {
      this.isAgain = true;
      throw thrown;
    } finally {
      this.isReading = false;
      this.heardAt = performance.now();
    }
    this.release();
  }

  private readLater(caller: Caller, err: unknown): void {
    log.debug('a run was not read for its followers', { err });
    if (isGone(err)) return this.dismiss();
    // Its credential may have ended: the next one reads.
    for (const place of [...this.places]) {
      if (place.caller !== caller) continue;
      this.places.delete(place);
      this.places.add(place);
    }
    setTimeout(() => this.catchUp(), retryMs).unref();
  }

  /** The run was deleted. */
  private dismiss(): void {
    this.finish();
    for (const place of [...this.places]) this.end(place);
  }

  private end(place: Place): void {
    this.leave(place);
    place.follower.end();
  }

  /** Tells everybody what is new: in turns, so that the process serves others in between. */
  private tellAll(): void {
    this.hasNews = true;
    if (!this.isTelling) void this.tellInTurns();
  }

  private async tellInTurns(): Promise<void> {
    this.isTelling = true;
    while (this.hasNews) {
      await this.rest(this.places.size * this.tellMs);
      this.hasNews = false;
      let spentMs = 0;
      let told = 0;
      let began = performance.now();
      for (const place of this.places) {
        this.tell(place);
        told++;
        const tookMs = performance.now() - began;
        if (tookMs < sliceMs) continue;
        spentMs += tookMs;
        await nextTurn();
        began = performance.now();
      }
      if (spentMs > 0) this.tellMs = spentMs / told;
    }
    this.isTelling = false;
  }

  /** What few are told, they are told at once; the end is told at once to all. */
  private async rest(costMs: number): Promise<void> {
    if (costMs <= sliceMs || this.isEnded) return;
    const waking = new AbortController();
    this.wake = () => waking.abort();
    await sleep(Math.min(restMaxMs, costMs * restShare), undefined, { signal: waking.signal }).catch(() => undefined);
  }

  private tell(place: Place): void {
    const { follower } = place;
    while (!place.isBehind && this.places.has(place) && follower.isReady()) {
      if (place.seen > this.recent.to) {
        if (this.isEnded) this.end(place);
        return; // it knows more than was read here so far
      }
      place.at ??= this.recent.placeAfter(place.seen);
      if (place.at === null || place.at < this.recent.first) return void this.backFill(place);
      const batch = this.recent.batchAt(place.at);
      if (batch === null) {
        if (this.isEnded) this.end(place);
        return;
      }
      place.at = batch.next;
      place.seen = Math.max(place.seen, batch.seen);
      follower.tell(batch.frames);
    }
  }

  /** Tells one from the journal until it has come to the recent events. */
  private async backFill(place: Place): Promise<void> {
    place.at = null;
    place.isBehind = true;
    const { follower, caller } = place;
    while (this.places.has(place)) {
      if (place.seen >= this.recent.from) {
        place.isBehind = false;
        return this.tell(place);
      }
      try {
        const page = await this.source.page(place.seen, caller);
        await this.untilReady(place);
        if (!this.places.has(place)) return;
        place.seen = page.through;
        follower.tell(page.frames);
        if (page.isEnd) return this.end(place);
      } catch (err) {
        log.debug('a run was not read for its follower', { err });
        if (isGone(err)) return this.end(place);
        await sleep(retryMs, undefined, { ref: false });
      }
    }
  }

  private untilReady(place: Place): Promise<void> {
    return place.follower.isReady() ? Promise.resolve() : new Promise((resolve) => (place.onReady = resolve));
  }
}

function isGone(thrown: unknown): boolean {
  return thrown instanceof Fault && thrown.code === 'not_found';
}
