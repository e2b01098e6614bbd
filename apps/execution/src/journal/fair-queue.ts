interface Share<T> {
  items: T[];
  head: number;
}

/** First come, first served within a key; between keys one by one, so that nobody waits behind another's thousands. */
export class FairQueue<T> {
  /** In the order of their turns. */
  private readonly shares = new Map<string, Share<T>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Keys that have something waiting. */
  get keys(): number {
    return this.shares.size;
  }

  /** How much of a key waits. */
  sizeOf(key: string): number {
    const share = this.shares.get(key);
    return share === undefined ? 0 : share.items.length - share.head;
  }

  push(key: string, item: T): void {
    const share = this.shares.get(key);
    if (share) share.items.push(item);
    else this.shares.set(key, { items: [item], head: 0 });
    this.count++;
  }

  /** The next, of the first key in turn that `may`. */
  take(may: (key: string) => boolean = always): T | undefined {
    for (const [key, share] of this.shares) {
      if (!may(key)) continue;
      const item = share.items[share.head++] as T;
      this.count--;
      this.shares.delete(key); // its next turn is after the others'
      if (share.head < share.items.length) {
        // What was taken is let go in large pieces, so that taking stays cheap.
        if (share.head > 1_024 && share.head > share.items.length / 2) {
          share.items = share.items.slice(share.head);
          share.head = 0;
        }
        this.shares.set(key, share);
      }
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.shares.clear();
    this.count = 0;
  }
}

function always(): boolean {
  return true;
}
