import type { LimitClaim } from '@signalbox/workflow/core/limits.js';
import { LimitQueue, type Place } from '@signalbox/workflow/limits/limit-queue.js';
import type { Schedule } from './schedule.ts';

interface Limit {
  queue: LimitQueue<Place>;
  /** When it is looked at again for its rate. */
  wakeAt: number;
}

/** An attempt, or a run, that needs places, and how many it has; it asks for the next once it has one. */
interface Wanting {
  claims: readonly LimitClaim[];
  priority: number;
  has: number;
  since: number;
  begin: () => void;
  replaced: () => void;
}

/** Places of limits among the runs that are played here, in virtual time. A rate begins with all that it allows. */
export class Places {
  private readonly limits = new Map<string, Limit>();
  private readonly wanting = new Map<string, Wanting>();

  constructor(private readonly schedule: Schedule) {}

  /** Whether one that may not wait gets no place of one of these now. */
  areFull(claims: readonly LimitClaim[]): boolean {
    return claims.some((claim) => {
      const queue = this.limits.get(nameOf(claim))?.queue;
      if (queue === undefined) return false;
      return queue.waiting > 0 || queue.holders >= (claim.concurrency ?? Infinity) || queue.waitMs(this.schedule.now) > 0;
    });
  }

  /** Calls `begin` once the attempt or run has a place of each limit, and `replaced` where a newer run is to have one of them. */
  take(id: string, claims: readonly LimitClaim[], priority: number, begin: () => void, replaced = (): void => undefined): void {
    this.wanting.set(id, { claims, priority, has: 0, since: this.schedule.now, begin, replaced });
    this.ask(id);
  }

  /** It has ended, or nobody wants it any more. */
  leave(id: string): void {
    const wanting = this.wanting.get(id);
    if (wanting === undefined) return;
    this.wanting.delete(id);
    for (const claim of wanting.claims.slice(0, wanting.has + 1)) {
      const name = nameOf(claim);
      const limit = this.limits.get(name);
      if (limit === undefined) continue;
      limit.queue.remove(id, this.schedule.now);
      if (limit.queue.isIdle(this.schedule.now)) this.limits.delete(name);
      else this.grant(limit, name);
    }
  }

  private ask(id: string): void {
    const { claims, priority, has, since } = this.wanting.get(id) as Wanting;
    const claim = claims[has] as LimitClaim;
    const { concurrency, rate, replaces } = claim;
    const name = nameOf(claim);
    const limit = this.limits.get(name) ?? { queue: new LimitQueue<Place>(this.schedule.now), wakeAt: Infinity };
    this.limits.set(name, limit);
    const numbers = { ...(concurrency !== undefined && { concurrency }), ...(rate && { rate }) };
    limit.queue.add({ id, priority, numbers, state: 'waits', ...(replaces && { replaces: since }) }, this.schedule.now);
    for (const { id: old } of limit.queue.surplus()) this.schedule.at(this.schedule.now, () => this.wanting.get(old)?.replaced());
    this.grant(limit, name);
  }

  private grant(limit: Limit, name: string): void {
    const { queue } = limit;
    const { now } = this.schedule;
    for (const { id } of queue.grant(now)) this.schedule.at(now, () => this.given(id));
    const waitMs = queue.waitMs(now);
    const due = now + waitMs;
    if (queue.waiting === 0 || waitMs === 0 || limit.wakeAt <= due) return;
    limit.wakeAt = due;
    this.schedule.at(due, () => {
      limit.wakeAt = Infinity;
      if (this.limits.get(name) === limit) this.grant(limit, name);
    });
  }

  private given(id: string): void {
    const wanting = this.wanting.get(id);
    if (wanting === undefined) return; // gone meanwhile
    wanting.has++;
    if (wanting.has < wanting.claims.length) this.ask(id);
    else wanting.begin();
  }
}

function nameOf({ name, key }: LimitClaim): string {
  return `${name} ${key}`;
}
