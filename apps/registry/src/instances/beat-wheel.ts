/** Milliseconds of one slot: so much later than its moment something is looked at, at most. */
const slotMs = 100;
/** What is due later than the last slot is looked at there, and put in again. */
const slotsMax = 1_024;

/** A timer wheel: whoever is in it is looked at when its moment has come, and at no other time. To put one in costs the same however many there are. */
export class BeatWheel<Item> {
  private readonly slots: Item[][] = Array.from({ length: slotsMax }, () => []);
  /** The first slot that was not looked at yet, counted from the beginning of time. */
  private next: number;

  constructor(now: number) {
    this.next = Math.floor(now / slotMs);
  }

  /** In milliseconds of the same clock as `now`; what is past already comes next. */
  add(item: Item, dueAt: number): void {
    const slot = Math.min(Math.max(Math.ceil(dueAt / slotMs), this.next), this.next + slotsMax - 1);
    this.slots[slot % slotsMax]!.push(item);
  }

  /** Takes out all whose slots have passed. */
  due(now: number): Item[] {
    const last = Math.min(Math.floor(now / slotMs), this.next + slotsMax - 1);
    const items: Item[] = [];
    for (; this.next <= last; this.next++) {
      const slot = this.next % slotsMax;
      for (const item of this.slots[slot]!) items.push(item);
      this.slots[slot] = [];
    }
    this.next = Math.max(this.next, Math.floor(now / slotMs) + 1);
    return items;
  }
}
