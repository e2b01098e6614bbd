import type { HubEvent } from './event-hub.ts';

/** Events kept for readers that come back; who was away longer is told to read anew. */
export const ringMax = 2_000;

type KeptEvent = HubEvent & { sequence: number };

/** The newest events that go outside, without a gap from some sequence of the event stream on: sequences in between are events that do not go outside. */
export class EventRing {
  private readonly events: KeptEvent[] = [];
  private from: number | null = null;

  /** The newest that is here; undefined where there is none. */
  get newest(): number | undefined {
    return this.events.at(-1)?.sequence;
  }

  /** Forgets all: the stream has lost what is here, and readers are told to read anew. */
  clear(): void {
    this.events.length = 0;
    this.from = null;
  }

  /** All from this sequence on will be taken. Where that is not what follows, it begins anew. */
  begin(from: number): void {
    if (this.newest !== undefined && from <= this.newest + 1) return;
    this.clear();
    this.from = from;
  }

  take(event: KeptEvent): void {
    this.events.push(event);
    if (this.events.length <= ringMax) return;
    this.from = (this.events.shift() as KeptEvent).sequence + 1;
  }

  /** The events after a sequence, or null where they are not all here any more, or not yet. */
  since(sequence: number): KeptEvent[] | null {
    if (this.from === null || sequence < this.from - 1 || sequence > (this.newest ?? 0)) return null;
    return this.events.filter((event) => event.sequence > sequence);
  }
}
