import type { PlaceClaim } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { limitKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { LimitQueue, type Place } from '@signalbox/workflow/limits/limit-queue.js';

/** A place of a limit that an attempt, or a run, holds or waits for, as the limit's keeper knows it. */
export interface KeptPlace extends Place {
  /** `analyse[3]`; empty for a run. */
  readonly step: string;
  /** Since when it waits or holds, in milliseconds since 1970. */
  since: number;
  /** On the monotonic clock: when its run's owner was last heard of it. */
  heardAt: number;
  /** Its run's owner did not know it when it was asked: it may just be loading that run. */
  isMissed: boolean;
  /** Its run was told to end for a newer one. */
  isReplaced: boolean;
}

/** A limit that is kept here. */
export class KeptLimit {
  readonly id: string;
  readonly shard: number;
  readonly workspace: string;
  readonly name: string;
  readonly key: string;
  readonly queue: LimitQueue<KeptPlace>;
  wake: NodeJS.Timeout | undefined;

  /** `takenAt`: since when a shard is kept here, on the monotonic clock. */
  constructor({ workspace, name, key }: PlaceClaim, takenAt: (shard: number) => number) {
    this.id = limitKey(workspace, name, key);
    this.shard = shardOfQueue(this.id);
    this.workspace = workspace;
    this.name = name;
    this.key = key;
    this.queue = new LimitQueue(performance.now(), takenAt(this.shard));
  }
}

/** What a claim says of a place. */
export function placeOf(id: string, { concurrency, rate, replaces, priority, step, since }: PlaceClaim, state: Place['state']): KeptPlace {
  const numbers = { ...(concurrency !== undefined && { concurrency }), ...(rate && { rate: { ...rate } }) };
  const heard = { heardAt: performance.now(), isMissed: false, isReplaced: false };
  return { id, priority, numbers, ...(replaces === true && { replaces: since }), step, since, state, ...heard };
}
