import { limitKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import type { PlaceClaim, QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { LimitClaim } from '@signalbox/workflow/core/limits.js';
import type { ShardWords } from '../dispatch/shard-words.ts';
import type { LimitKeeper } from './limit-keeper.ts';

/** What needs places of limits: a task, or a run as a whole. */
export interface Wanting {
  /** Of the task, or of the run. */
  readonly id: string;
  readonly workspace: string;
  readonly priority: number;
  /** The step's, with the item; empty for a run. */
  readonly key: string;
}

/** How many of its places one has; it asks for the next once it has one. */
interface Limited<W> {
  task: W;
  claims: readonly LimitClaim[];
  has: number;
  since: number;
  /** Its places are being taken at once: see `seize`. */
  isSeizing?: boolean;
}

/** What one waits for. */
export interface AwaitedPlace {
  claim: PlaceClaim;
  /** `limitKey` of it. */
  limit: string;
  shard: number;
}

/** What of runs that are owned here needs places of limits: it waits here until it has all of them, and gives them back at its end. */
export class LimitedPlaces<W extends Wanting> {
  private readonly limited = new Map<string, Limited<W>>();

  constructor(
    private readonly keeper: LimitKeeper,
    private readonly words: ShardWords<QueueWord>,
    private readonly owns: (shard: number) => boolean,
    /** It has all places. */
    private readonly ready: (task: W) => void,
  ) {}

  /** How many wait here or have places. */
  get size(): number {
    return this.limited.size;
  }

  /** Whether it waits here, or has places. */
  has(id: string): boolean {
    return this.limited.has(id);
  }

  /** The same, if it waits for places. */
  waiting(id: string): W | undefined {
    const limited = this.limited.get(id);
    return limited !== undefined && limited.has < limited.claims.length ? limited.task : undefined;
  }

  /** Has it wait for its places. */
  ask(task: W, claims: readonly LimitClaim[], since = now()): void {
    const limited = { task, claims, has: 0, since };
    this.limited.set(task.id, limited);
    this.tell(limited, 'ask', 0);
  }

  /** An executor works on it already: it has its places, whether there are so many or not. */
  hold(task: W, claims: readonly LimitClaim[], since = now()): void {
    const limited = { task, claims, has: claims.length, since };
    this.limited.set(task.id, limited);
    claims.forEach((_, at) => this.tell(limited, 'held', at));
  }

  /** As `hold`, of a task that waits. */
  holdAll(id: string): void {
    const limited = this.limited.get(id);
    if (limited !== undefined) this.hold(limited.task, limited.claims);
  }

  /** It has the place that it asked for. Of a place that it has or does not want, its keeper hears so. */
  granted(id: string, limit: string): void {
    const limited = this.limited.get(id);
    if (limited === undefined || limited.isSeizing === true) return;
    const at = limited.claims.findIndex(({ name, key }) => limitKey(limited.task.workspace, name, key) === limit);
    if (at < 0 || at > limited.has) return;
    // Whoever keeps the limit by now may not have given it.
    if (!this.owns(shardOfQueue(limit))) this.tell(limited, 'held', at);
    if (at < limited.has) return;
    limited.has++;
    if (limited.has < limited.claims.length) this.tell(limited, 'ask', limited.has);
    else this.ready(limited.task);
  }

  /** It has ended, or nobody wants it any more. */
  leave(id: string): void {
    const limited = this.limited.get(id);
    if (limited === undefined) return;
    this.limited.delete(id);
    for (let at = 0; at <= Math.min(limited.has, limited.claims.length - 1); at++) this.tell(limited, 'free', at);
  }

  /** Takes one in that a former owner spoke for, of which nothing is said yet: see `tellOf`. `isIn`: it has its places. */
  know(task: W, claims: readonly LimitClaim[], isIn: boolean, since: number): void {
    this.limited.set(task.id, { task, claims, has: isIn ? claims.length : 0, since });
  }

  tellOf(id: string): void {
    const limited = this.limited.get(id);
    limited?.claims.forEach((_, at) => {
      if (at <= limited.has) this.tell(limited, at < limited.has ? 'held' : 'ask', at);
    });
  }

  /**
   * Takes all places at once, or none. `take` asks the keeper of one; what it throws is passed on. Returns why there are none. While it is asked for, it is
   * known here, so that no keeper believes it gone.
   */
  async seize<R>(task: W, claims: readonly LimitClaim[], take: (place: AwaitedPlace) => Promise<R | undefined>): Promise<R | undefined> {
    const limited: Limited<W> = { task, claims, has: 0, since: now(), isSeizing: true };
    this.limited.set(task.id, limited);
    try {
      for (; limited.has < claims.length; limited.has++) {
        const refusal = await take(this.placeAt(limited, limited.has));
        if (refusal === undefined) continue;
        this.leave(task.id);
        return refusal;
      }
    } catch (thrown) {
      this.leave(task.id);
      throw thrown;
    }
    delete limited.isSeizing;
    return undefined;
  }

  /** Their next owner speaks for them. */
  drop(isGone: (task: W) => boolean): void {
    for (const [id, { task }] of this.limited) if (isGone(task)) this.limited.delete(id);
  }

  /** These limits have another keeper, or will have: it is told all that concerns it. */
  tellAgain(concerns: (shard: number) => boolean): void {
    for (const limited of this.limited.values()) {
      limited.claims.forEach((_, at) => {
        if (at <= limited.has && concerns(this.placeAt(limited, at).shard)) this.tell(limited, at < limited.has ? 'held' : 'ask', at);
      });
    }
  }

  /** What one waits for. */
  awaited(id: string): AwaitedPlace | undefined {
    const limited = this.limited.get(id);
    return limited === undefined || limited.has === limited.claims.length ? undefined : this.placeAt(limited, limited.has);
  }

  all(): W[] {
    return [...this.limited.values()].map(({ task }) => task);
  }

  private placeAt({ task: { workspace, priority, key: step }, claims, since }: Limited<W>, at: number): AwaitedPlace {
    const claim = { workspace, ...(claims[at] as LimitClaim), priority, step, since };
    const limit = limitKey(workspace, claim.name, claim.key);
    return { claim, limit, shard: shardOfQueue(limit) };
  }

  private tell(limited: Limited<W>, type: 'ask' | 'held' | 'free', at: number): void {
    const { claim, shard } = this.placeAt(limited, at);
    const word: QueueWord = { type, task: limited.task.id, claim };
    if (this.owns(shard)) this.keeper.hear(word);
    else this.words.tell(shard, word);
  }
}
