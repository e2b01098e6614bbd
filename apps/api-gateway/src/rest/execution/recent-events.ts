import type { ToldEvent } from './told-event.ts';

/** Of one run: what a few seconds bring, so that who is a little behind needs no journal. */
const bytesMax = 262_144;
/** Of what is told at once. */
const batchMaxBytes = 65_536;

/** Events that follow each other, as one write. */
export interface Batch {
  frames: Buffer;
  /** The place of what follows them. */
  next: number;
  /** The highest number among them; -1 where they are progress alone. */
  seen: number;
}

/** The newest events of a run, without a gap: all followers are told from here. A place counts events, also those that were let go. */
export class RecentEvents {
  private readonly events: ToldEvent[] = [];
  private bytes = 0;
  /** The place of the oldest that is here. */
  first = 0;
  /** All that happened after the number `from`, up to the number `to`, is here. */
  from: number;
  to: number;
  private last: { place: number; end: number; batch: Batch } | undefined;

  constructor(after: number) {
    this.from = this.to = after;
  }

  /** The place of what comes next. */
  get end(): number {
    return this.first + this.events.length;
  }

  /** Takes an event that follows `to` with nothing in between. */
  add(event: ToldEvent): void {
    this.events.push(event);
    this.bytes += event.frame.length;
    this.to = Math.max(this.to, event.seq);
    while (this.bytes > bytesMax && this.events.length > 1) this.drop();
  }

  /** Up to this number nothing happened that is told. */
  reach(seq: number): void {
    this.to = Math.max(this.to, seq);
  }

  /** The place of the first event after a number; null where the journal has to tell it. */
  placeAfter(seq: number): number | null {
    if (seq < this.from) return null;
    const at = this.events.findIndex((event) => !event.isProgress && event.seq > seq);
    return at < 0 ? this.end : this.first + at;
  }

  /** What is told from a place on that is here; null at the end. */
  batchAt(place: number): Batch | null {
    if (place >= this.end) return null;
    if (this.last?.place === place && this.last.end === this.end) return this.last.batch;
    const frames: Buffer[] = [];
    let bytes = 0;
    let seen = -1;
    for (let at = place - this.first; at < this.events.length && bytes < batchMaxBytes; at++) {
      const { frame, isProgress, seq } = this.events[at] as ToldEvent;
      frames.push(frame);
      bytes += frame.length;
      if (!isProgress) seen = seq;
    }
    const batch = { frames: frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames), next: place + frames.length, seen };
    this.last = { place, end: this.end, batch };
    return batch;
  }

  private drop(): void {
    const { frame, isProgress, seq } = this.events.shift() as ToldEvent;
    this.bytes -= frame.length;
    this.first++;
    if (!isProgress) this.from = seq;
  }
}
