import type { LimitNumbers } from '../core/limits.ts';
import { PriorityLine } from './priority-line.ts';

/** Of those that have gone so many may stay in line: else taking one out would mean to move all that follow. */
const goneMax = 1_024;

/** What holds a place of a limit, or waits for one: an attempt, known by its task. Never counted, so that none is lost or doubled. */
export interface Place {
  readonly id: string;
  readonly priority: number;
  /** When it came to wait. A keeper that took the limit over hears of those that wait in any order. */
  readonly since?: number;
  /** As its workflow's file says. */
  readonly numbers: LimitNumbers;
  /** Of a run that goes for a newer one: when it was made. */
  readonly replaces?: number;
  state: 'waits' | 'held' | 'gone';
}

/**
 * One limit: who holds its places, who waits, and how many may begin by its rate. Knows no clock: `at` is milliseconds of one that only goes
 * forward, of which whole ones count. Where those that are here differ in its numbers, the strictest hold.
 */
export class LimitQueue<P extends Place> {
  private readonly places = new Map<string, P>();
  private readonly line = new PriorityLine<P>();
  /** Numbers that somebody here has, with how many have them. */
  private readonly known = new Map<string, { numbers: LimitNumbers; count: number }>();
  private strictest: LimitNumbers = {};
  private held = 0;
  /** What the rate has left: of these parts `perMs` let one begin. Whole numbers, as fractions would add up to a little less than one, or more. */
  private bucket: { parts: number; perMs: number } | undefined;
  private filledAt: number;

  /** `emptySince`: when it was taken from another keeper. What that let begin is not known: its rate begins with nothing then. */
  constructor(
    at: number,
    private readonly emptySince?: number,
  ) {
    this.filledAt = Math.floor(emptySince ?? at);
  }

  get numbers(): LimitNumbers {
    return this.strictest;
  }

  get holders(): number {
    return this.held;
  }

  get waiting(): number {
    return this.places.size - this.held;
  }

  find(id: string): P | undefined {
    return this.places.get(id);
  }

  /** All that hold places or wait. */
  all(): IterableIterator<P> {
    return this.places.values();
  }

  /** Those that wait, in the order of their turns. */
  *inLine(): IterableIterator<P> {
    for (const place of this.line) if (place.state === 'waits') yield place;
  }

  /** Takes in one that waits, or that holds a place already, however many do. Of one that is here nothing changes, but that it holds its place. */
  add(place: P, at: number): P {
    const known = this.places.get(place.id);
    if (known !== undefined) {
      if (place.state === 'held' && known.state === 'waits') this.hold(known);
      return known;
    }
    this.places.set(place.id, place);
    this.count(place.numbers, 1, at);
    if (place.state === 'held') this.held++;
    else this.line.push(place);
    return place;
  }

  /** It holds no place any more, and wants none. False: it was not here. */
  remove(id: string, at: number): boolean {
    const place = this.places.get(id);
    if (place === undefined) return false;
    this.places.delete(id);
    if (place.state === 'held') this.held--;
    place.state = 'gone';
    if (this.line.size > 2 * this.waiting + goneMax) this.line.compact(isWaiting);
    this.count(place.numbers, -1, at);
    return true;
  }

  /**
   * Those that are to end for newer ones: the oldest of them that are more than the places which others leave, one of which is the newest's. Whoever is among them
   * stays so, however many come.
   */
  surplus(): P[] {
    const { concurrency = Infinity } = this.strictest;
    const all = [...this.places.values()].filter(({ replaces }) => replaces !== undefined);
    const others = this.places.size - all.length;
    const surplus = all.length - Math.max(1, concurrency - others);
    if (surplus <= 0) return [];
    return all.sort((a, b) => (a.replaces ?? 0) - (b.replaces ?? 0) || (a.id < b.id ? -1 : 1)).slice(0, surplus);
  }

  /** Gives places to those whose turn it is, as far as there are places and the rate allows it. */
  grant(at: number): P[] {
    const granted: P[] = [];
    const bucket = this.fill(at);
    while (this.waiting > 0 && this.held < (this.strictest.concurrency ?? Infinity)) {
      if (bucket !== undefined && bucket.parts < bucket.perMs) break;
      const place = this.line.take(isWaiting);
      if (place === undefined) break;
      if (bucket !== undefined) bucket.parts -= bucket.perMs;
      this.hold(place);
      granted.push(place);
    }
    return granted;
  }

  /** How many may begin now by the rate; undefined where there is none. */
  left(at: number): number | undefined {
    const bucket = this.fill(at);
    return bucket && Math.floor(bucket.parts / bucket.perMs);
  }

  /** How many milliseconds until the rate lets one begin; 0: now. */
  waitMs(at: number): number {
    const bucket = this.fill(at);
    const { rate } = this.strictest;
    return bucket === undefined || rate === undefined ? 0 : Math.max(0, Math.ceil((bucket.perMs - bucket.parts) / rate.max));
  }

  /** Whether it may be forgotten: nobody is here, and a new one would let no more begin. */
  isIdle(at: number): boolean {
    if (this.places.size > 0) return false;
    const left = this.left(at);
    return left === undefined || left >= (this.strictest.rate?.burst ?? 0);
  }

  private hold(place: P): void {
    place.state = 'held';
    this.held++;
  }

  /** The bucket as it is now; undefined where there is no rate. */
  private fill(at: number): { parts: number; perMs: number } | undefined {
    const { rate } = this.strictest;
    if (rate === undefined) return undefined;
    const { max, perMs, burst } = rate;
    const bucket = (this.bucket ??= { parts: this.emptySince === undefined ? burst * perMs : 0, perMs });
    if (bucket.perMs !== perMs) {
      // What is left of one is rounded down, never up.
      const rest = bucket.parts % bucket.perMs;
      bucket.parts = ((bucket.parts - rest) / bucket.perMs) * perMs + Math.floor((rest * perMs) / bucket.perMs);
      bucket.perMs = perMs;
    }
    const now = Math.floor(at);
    bucket.parts = Math.min(burst * perMs, bucket.parts + (now - this.filledAt) * max);
    this.filledAt = now;
    return bucket;
  }

  private count(numbers: LimitNumbers, by: number, at: number): void {
    const key = `${numbers.concurrency} ${numbers.rate?.max} ${numbers.rate?.perMs} ${numbers.rate?.burst}`;
    const entry = this.known.get(key) ?? { numbers, count: 0 };
    entry.count += by;
    if (entry.count > 0) this.known.set(key, entry);
    // The last one's stay: its rate still bounds what comes next.
    else if (this.known.size > 1) this.known.delete(key);
    if (entry.count !== (by > 0 ? 1 : 0)) return;
    for (const [other, { count }] of this.known) if (count === 0 && other !== key && by > 0) this.known.delete(other);
    this.fill(at);
    this.strictest = strictestOf([...this.known.values()].map((known) => known.numbers));
  }
}

function isWaiting({ state }: Place): boolean {
  return state === 'waits';
}

function strictestOf(all: readonly LimitNumbers[]): LimitNumbers {
  const concurrency = Math.min(...all.map((numbers) => numbers.concurrency ?? Infinity));
  const rates = all.flatMap(({ rate }) => rate ?? []);
  const [slowest] = rates.toSorted((a, b) => a.max / a.perMs - b.max / b.perMs);
  return {
    ...(concurrency !== Infinity && { concurrency }),
    ...(slowest && { rate: { ...slowest, burst: Math.min(...rates.map(({ burst }) => burst)) } }),
  };
}
