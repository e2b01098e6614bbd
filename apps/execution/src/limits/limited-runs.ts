import type { Bus } from '@signalbox/shared/bus/bus.js';
import { takePlace, type TakePlaceRequest } from '@signalbox/shared/contracts/execution/take-place.js';
import { shardOfUuid } from '@signalbox/shared/contracts/execution/task-id.js';
import type { QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import { ExpressionError, type Graph } from '@signalbox/workflow/core/graph.js';
import type { Effect, RunEvent } from '@signalbox/workflow/core/events.js';
import { runClaimsOf, runPriorityOf, type LimitClaim, type LimitKey, type StartScope } from '@signalbox/workflow/core/limits.js';
import { limitKey, shardOfQueue } from '@signalbox/shared/contracts/execution/queue-key.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import type { QueueCause } from '../dispatch/queue-cause.ts';
import type { ShardWords } from '../dispatch/shard-words.ts';
import type { LiveRun } from '../shards/live-run.ts';
import { limitCause } from './limit-cause.ts';
import type { LimitKeeper } from './limit-keeper.ts';
import { LimitedPlaces, type AwaitedPlace, type Wanting } from './limited-places.ts';

/** Runs of one owner that wait for places or have some, in memory or resting: past this, starts are refused. Each takes 1.3 KB, here and at the keeper together. */
const limitedMax = 200_000;
const fullRetryMs = 30_000;

/** What is kept in memory of a run that waits for its places or has some, also while it rests. */
interface LimitedRun extends Wanting {
  uuid: string;
}

/** What a run's row says of its places while it rests. */
export interface RestingPlaces {
  uuid: string;
  workspace: string;
  createdAt: Date;
  places: { claims: LimitClaim[]; priority: number; isIn: boolean };
}

/** Why a run may not start, and when to ask again. */
interface Refusal {
  because: string;
  retryAfterMs: number;
}

/** The limits of a workflow let no further run of it begin or wait. */
export class StartRefused extends Fault {
  constructor({ because, retryAfterMs }: Refusal) {
    super('limited', because, 'Start it again later, or raise the limit in its workflow.', { retryAfterMs });
  }
}

export interface LimitedRunsPorts {
  owns(shard: number): boolean;
  /** What is to be said to a run that may rest, until that is written. */
  reach(uuid: string, event: RunEvent): void;
}

/** Runs that are owned here and need places of limits before they begin. Those with places of a concurrency keep them until their end. */
export class LimitedRuns {
  private readonly places: LimitedPlaces<LimitedRun>;

  constructor(
    private readonly bus: Bus,
    private readonly keeper: LimitKeeper,
    words: ShardWords<QueueWord>,
    private readonly ports: LimitedRunsPorts,
  ) {
    this.places = new LimitedPlaces(
      keeper,
      words,
      (shard) => ports.owns(shard),
      ({ uuid }) => this.admit(uuid),
    );
  }

  /**
   * The places that a run needs which is about to be started; those that it may not wait for are taken. Throws `invalid` where a key cannot be computed, `limited`
   * where it may not start. Without a start that follows, `left` gives them back.
   */
  async claim(
    uuid: string,
    workspace: string,
    graph: Graph,
    start: StartScope & { priority?: number | undefined },
    within?: LimitKey[],
  ): Promise<LimitClaim[]> {
    const claims = claimsFor(graph, start, within);
    const run = { id: fromUuid('run', uuid), uuid, workspace, priority: runPriorityOf(graph, start.priority), key: '' };
    if (claims.length === 0) return claims;
    if (this.places.size >= limitedMax)
      throw new Fault('limited', `${limitedMax} runs have places of limits here or wait for some`, 'Try again later.', {
        retryAfterMs: fullRetryMs,
      });
    const refusal =
      graph.runLimits?.onLimit === 'refuse'
        ? await this.places.seize(run, claims, (place) => this.ask(run, place, 'take'))
        : (await Promise.all(claims.map((claim) => this.look(run, claim)))).find((each) => each !== undefined);
    if (refusal === undefined) return claims;
    throw new StartRefused(refusal);
  }

  /** A run waits for its places, or has begun with them. */
  enter({ id, uuid, workspace, state, facts }: LiveRun, { claims, isIn }: Effect & { e: 'enter' }): void {
    const run = { id, uuid, workspace, priority: runPriorityOf(state.graph, state.priority), key: '' };
    if (isIn && !claims.some(({ concurrency }) => concurrency !== undefined)) this.places.leave(id);
    else if (!this.places.has(id)) this.places[isIn ? 'hold' : 'ask'](run, claims, facts.createdAt.getTime());
    else if (!isIn && this.places.waiting(id) === undefined) this.admit(uuid);
  }

  /** It has ended, was not started, or is set aside. */
  left(uuid: string): void {
    this.places.leave(fromUuid('run', uuid));
  }

  granted(id: string, limit: string): void {
    this.places.granted(id, limit);
  }

  /** It is to end for a newer run. Of one that has ended nobody is told. */
  replaced(id: string): void {
    if (this.places.has(id)) this.ports.reach(toUuid(id, 'run'), { type: 'cancel', by: 'a newer run, which has its place' });
  }

  has(id: string): boolean {
    return this.places.has(id);
  }

  /** Takes runs in that rest, before their shards are heard here. */
  know(resting: readonly RestingPlaces[]): void {
    for (const { uuid, workspace, createdAt, places } of resting) {
      const { claims, priority, isIn } = places;
      this.places.know({ id: fromUuid('run', uuid), uuid, workspace, priority, key: '' }, claims, isIn, createdAt.getTime());
    }
  }

  /** Says what they wait for or have, once their shards are. */
  tell(resting: readonly RestingPlaces[]): void {
    for (const { uuid } of resting) this.places.tellOf(fromUuid('run', uuid));
  }

  /** Their next owner speaks for the runs of these shards. */
  drop(isGone: (shard: number) => boolean): void {
    this.places.drop(({ uuid }) => isGone(shardOfUuid(uuid)));
  }

  tellAgain(concerns: (shard: number) => boolean): void {
    this.places.tellAgain(concerns);
  }

  /** Why a run has not begun; undefined where it waits for no place, or its owner is not here. */
  why(id: string): QueueCause | undefined {
    const awaited = this.places.awaited(id);
    return awaited && limitCause(id, awaited, this.ports.owns(awaited.shard) ? this.keeper : undefined);
  }

  private admit(uuid: string): void {
    this.ports.reach(uuid, { type: 'admitted' });
  }

  private async look(run: LimitedRun, claim: LimitClaim): Promise<Refusal | undefined> {
    const limit = limitKey(run.workspace, claim.name, claim.key);
    const place = {
      claim: { workspace: run.workspace, ...claim, priority: run.priority, step: '', since: now() },
      limit,
      shard: shardOfQueue(limit),
    };
    try {
      return await this.ask(run, place, 'look');
    } catch (thrown) {
      const { code } = Fault.from(thrown);
      // Whoever keeps it is not there at the moment: the run waits for it.
      if (code === 'unavailable' || code === 'timeout') return undefined;
      throw thrown;
    }
  }

  private async ask({ id }: LimitedRun, { claim, shard }: AwaitedPlace, how: TakePlaceRequest['how']): Promise<Refusal | undefined> {
    const request = { run: id, claim, how };
    const reply = this.ports.owns(shard) ? this.keeper.take(request) : await this.bus.request(takePlace, request, 'service', { shard });
    const { because, retryAfterMs } = reply;
    return because === null ? undefined : { because, retryAfterMs };
  }
}

function claimsFor(graph: Graph, start: StartScope, within: LimitKey[] | undefined): LimitClaim[] {
  try {
    return runClaimsOf(graph, start, within);
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown;
    const detail = `${thrown.pointer}: ${thrown.message}`;
    throw new Fault('invalid', detail, 'Give the input and the labels that the key is computed from.', {
      errors: [{ pointer: thrown.pointer, detail: thrown.message }],
      cause: thrown,
    });
  }
}
