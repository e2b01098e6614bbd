import type { ListRunEventsReply } from '@signalbox/shared/contracts/execution/list-run-events.js';
import { toldEvent, type ToldEvent } from './told-event.ts';

/** Of full pages that are kept for the next who reads the same, of all runs together. */
const keptMaxBytes = 32 * 1024 * 1024;

/** A page of a run's journal as its followers get it. */
export interface JournalPage {
  events: ToldEvent[];
  frames: Buffer;
  /** All up to this number is in it, or was before it. */
  through: number;
  hasMore: boolean;
  /** The run has ended, and this is the last page. */
  isEnd: boolean;
}

/** Pages of journals, each read once for all who need it at the same time. A full page never changes: some are kept for who comes next. */
export class JournalPages {
  private readonly pages = new Map<string, Promise<JournalPage>>();
  private readonly kept = new Map<string, number>();
  private keptBytes = 0;

  /** The page of `key`, by `read` where nobody has it. */
  page(key: string, after: number, read: () => Promise<ListRunEventsReply>): Promise<JournalPage> {
    const known = this.pages.get(key);
    if (known) return known;
    const reading = read().then((reply) => pageOf(after, reply));
    this.pages.set(key, reading);
    reading.then(
      ({ hasMore, frames }) => (hasMore ? this.keep(key, frames.length) : this.pages.delete(key)),
      () => this.pages.delete(key),
    );
    return reading;
  }

  private keep(key: string, bytes: number): void {
    this.kept.set(key, bytes);
    this.keptBytes += bytes;
    for (const [oldest, size] of this.kept) {
      if (this.keptBytes <= keptMaxBytes) return;
      this.kept.delete(oldest);
      this.pages.delete(oldest);
      this.keptBytes -= size;
    }
  }
}

/** `reply` is what the journal has after `after`. */
export function pageOf(after: number, { data, hasMore, isEnded, through }: ListRunEventsReply): JournalPage {
  const events = data.map(toldEvent);
  return {
    events,
    frames: Buffer.concat(events.map(({ frame }) => frame)),
    through: through ?? Math.max(after, ...data.map(({ seq }) => seq)),
    hasMore,
    isEnd: isEnded && !hasMore,
  };
}
