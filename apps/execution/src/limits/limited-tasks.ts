import { limitKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import type { PlaceClaim, QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { LimitClaim } from '@signalbox/workflow/core/limits.js';
import type { ShardWords } from '../dispatch/shard-words.ts';
import type { OpenTask } from '../dispatch/open-task.ts';
import type { LiveRun } from '../shards/live-run.ts';
import type { LimitKeeper } from './limit-keeper.ts';

/** A task that needs places of limits, and how many of them it has; it asks for the next once it has one. */
interface Limited {
  task: OpenTask;
  claims: readonly LimitClaim[];
  has: number;
  since: number;
}

/** What a task waits for before it may be queued. */
export interface AwaitedPlace {
  claim: PlaceClaim;
  /** `limitKey` of it. */
  limit: string;
  shard: number;
}

/** Tasks of runs that are owned here and need places of limits: they wait here until they have all of them, and give them back at their end. */
export class LimitedTasks {
  private readonly limited = new Map<string, Limited>();

  constructor(
    private readonly keeper: LimitKeeper,
    private readonly words: ShardWords<QueueWord>,
    private readonly owns: (shard: number) => boolean,
    /** It has all places. */
    private readonly ready: (task: OpenTask) => void,
  ) {}

  /** The task, if it waits for places. */
  waiting(id: string): OpenTask | undefined {
    const limited = this.limited.get(id);
    return limited !== undefined && limited.has < limited.claims.length ? limited.task : undefined;
  }

  /** Has a task wait for its places. */
  ask(task: OpenTask, claims: readonly LimitClaim[]): void {
    const limited = { task, claims, has: 0, since: now() };
    this.limited.set(task.id, limited);
    this.tell(limited, 'ask', 0);
  }

  /** An executor works on it already: it has its places, whether there are so many or not. */
  hold(task: OpenTask, claims: readonly LimitClaim[]): void {
    const limited = { task, claims, has: claims.length, since: now() };
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
    if (limited === undefined) return;
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

  /** Their next owner speaks for them. */
  drop(runs: ReadonlySet<LiveRun>): void {
    for (const [id, { task }] of this.limited) {
      if (!runs.has(task.run)) continue;
      task.phase = 'gone';
      this.limited.delete(id);
    }
  }

  /** These limits have another keeper, or will have: it is told all that concerns it. */
  tellAgain(concerns: (shard: number) => boolean): void {
    for (const limited of this.limited.values()) {
      limited.claims.forEach((_, at) => {
        if (at <= limited.has && concerns(this.placeAt(limited, at).shard)) this.tell(limited, at < limited.has ? 'held' : 'ask', at);
      });
    }
  }

  /** What a task waits for. */
  awaited(id: string): AwaitedPlace | undefined {
    const limited = this.limited.get(id);
    return limited === undefined || limited.has === limited.claims.length ? undefined : this.placeAt(limited, limited.has);
  }

  runs(): LiveRun[] {
    return [...this.limited.values()].map(({ task }) => task.run);
  }

  private placeAt({ task: { workspace, priority, key: step }, claims, since }: Limited, at: number): AwaitedPlace {
    const claim = { workspace, ...(claims[at] as LimitClaim), priority, step, since };
    const limit = limitKey(workspace, claim.name, claim.key);
    return { claim, limit, shard: shardOfQueue(limit) };
  }

  private tell(limited: Limited, type: 'ask' | 'held' | 'free', at: number): void {
    const { claim, shard } = this.placeAt(limited, at);
    const word: QueueWord = { type, task: limited.task.id, claim };
    if (this.owns(shard)) this.keeper.hear(word);
    else this.words.tell(shard, word);
  }
}
