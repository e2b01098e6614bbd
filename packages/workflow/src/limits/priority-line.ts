/** `since`: when it came to wait, where others may be heard of before it that came later. */
export interface InLine {
  readonly priority: number;
  readonly since?: number;
}

/** Who waits for their turn: by priority, 1 before 5; within one, first come, first served. */
export class PriorityLine<T extends InLine> {
  /** By priority, as far as anybody had it. */
  private readonly lanes: (Lane<T> | undefined)[] = [];

  /** How many wait, those that have gone and were not yet met included. */
  get size(): number {
    let size = 0;
    for (const lane of this.lanes) if (lane !== undefined) size += lane.items.length - lane.head;
    return size;
  }

  push(item: T): void {
    const { items, head } = this.laneOf(item);
    const at = placeIn(items, head, item);
    if (at === items.length) items.push(item);
    else items.splice(at, 0, item);
  }

  /** Puts an item before all others of its priority. */
  unshift(item: T): void {
    const lane = this.laneOf(item);
    if (lane.head > 0) lane.items[--lane.head] = item;
    else lane.items.unshift(item);
  }

  /** In the order of their turns. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const lane of this.lanes) {
      if (lane === undefined) continue;
      for (let at = lane.head; at < lane.items.length; at++) yield lane.items[at] as T;
    }
  }

  /** Takes the first out that fits. What is not `isLive` any more and is met at the front is let go. */
  take(isLive: (item: T) => boolean, fits: (item: T) => boolean = () => true): T | undefined {
    for (const lane of this.lanes) {
      if (lane === undefined) continue;
      while (lane.head < lane.items.length && !isLive(lane.items[lane.head] as T)) skip(lane);
      for (let at = lane.head; at < lane.items.length; at++) {
        const item = lane.items[at] as T;
        if (!isLive(item) || !fits(item)) continue;
        if (at === lane.head) skip(lane);
        else lane.items.splice(at, 1);
        return item;
      }
    }
    return undefined;
  }

  /** Lets go of all that are not `isLive`. */
  compact(isLive: (item: T) => boolean): void {
    for (const [priority, lane] of this.lanes.entries()) {
      if (lane !== undefined) this.lanes[priority] = { items: lane.items.slice(lane.head).filter(isLive), head: 0 };
    }
  }

  private laneOf({ priority }: T): Lane<T> {
    return (this.lanes[priority] ??= { items: [], head: 0 });
  }
}

interface Lane<T> {
  items: T[];
  head: number;
}

/** After all that came to wait no later. */
function placeIn(items: readonly InLine[], head: number, { since = Infinity }: InLine): number {
  let from = head;
  let to = items.length;
  // Nearly always it is the last.
  if (to === from || ((items[to - 1] as InLine).since ?? -Infinity) <= since) return to;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (((items[middle] as InLine).since ?? -Infinity) <= since) from = middle + 1;
    else to = middle;
  }
  return from;
}

function skip<T>(lane: Lane<T>): void {
  lane.head++;
  // What was taken is let go in large pieces, so that taking stays cheap.
  if (lane.head > 1_024 && lane.head > lane.items.length / 2) {
    lane.items = lane.items.slice(lane.head);
    lane.head = 0;
  }
}
