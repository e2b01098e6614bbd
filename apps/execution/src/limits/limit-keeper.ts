import type { Bus } from '@signalbox/shared/bus/bus.js';
import { askTasks } from '@signalbox/shared/contracts/execution/ask-tasks.js';
import { grantPlaces, type PlaceGrant } from '@signalbox/shared/contracts/execution/grant-places.js';
import { limitKey } from '@signalbox/shared/contracts/execution/queue-key.js';
import type { TakePlaceReply, TakePlaceRequest } from '@signalbox/shared/contracts/execution/take-place.js';
import { shardOfPlace } from '@signalbox/shared/contracts/execution/task-id.js';
import type { PlaceClaim, QueueWord } from '@signalbox/shared/contracts/execution/tell-queue.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { ShardWords } from '../dispatch/shard-words.ts';
import { fullText, textOf } from './limit-cause.ts';
import { KeptLimit, placeOf, type KeptPlace } from './kept-limit.ts';

/** A word may be lost with its speaker: a place is asked for after this, one that is waited for after that. */
const heldAskMs = 3_000;
const waitAskMs = 60_000;
const askMax = 1_000;
const sweepMs = 1_000;
/** Runs that wait for one limit: past this, starts are refused. Each is a row, and a small entry at its owner and here. */
const waitingMax = 10_000;
/** When a start that was refused is worth another try: nobody knows when a run ends. */
const takenRetryMs = 1_000;
const fullRetryMs = 30_000;
/** Limits that are kept although nobody is there, for what is left of their rate: past this the oldest are forgotten. */
const idleMax = 100_000;
/** The longest that a timer is set for. */
const wakeMaxMs = 60_000;

export interface KeeperPorts {
  mayAct(): boolean;
  owns(shard: number): boolean;
  /** Until when nothing of this shard is granted: others may hold places that are not known here yet. */
  heldUntil(shard: number): number;
  /** Since when this replica has had it, on the monotonic clock. */
  takenAt(shard: number): number;
  /** A task of a run that is owned here, or such a run, has its place. */
  granted(task: string, limit: string): void;
  /** A run that is owned here is to end for a newer one. */
  replaced(run: string): void;
  /** Which of these tasks and runs that are owned here nobody wants any more. */
  gone(tasks: readonly string[]): string[];
}

/** Keeps the limits of the shards that are owned here, and gives their places to attempts, whoever owns their runs. */
export class LimitKeeper {
  private readonly limits = new Map<string, KeptLimit>();
  private readonly changed = new Set<KeptLimit>();
  private readonly grants: ShardWords<PlaceGrant>;
  private readonly asking = new Set<number>();
  private readonly sweeper: NodeJS.Timeout;
  private isStopped = false;

  constructor(
    private readonly bus: Bus,
    private readonly ports: KeeperPorts,
  ) {
    this.grants = new ShardWords(
      (shard, places) => bus.request(grantPlaces, { places }, 'service', { shard }),
      ({ limit }) => 128 + limit.length,
    );
    this.sweeper = setInterval(() => this.sweep(), sweepMs);
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.sweeper);
    this.grants.stop();
    this.drop(() => true);
  }

  /** Takes in what the owner of a run says. Saying it again changes nothing. */
  hear({ type, task, claim }: QueueWord): void {
    if (claim === undefined) return;
    const at = performance.now();
    if (type === 'free') {
      const limit = this.find(claim);
      if (limit?.queue.remove(task, at) === true) this.pumpSoon(limit);
      return;
    }
    const limit = this.keep(claim);
    const place = limit.queue.add(placeOf(task, claim, type === 'held' ? 'held' : 'waits'), at);
    place.heardAt = at;
    place.isMissed = false;
    if (claim.replaces === true) {
      // Its run has a new owner, which may not know that it is to end.
      place.isReplaced = false;
      this.replace(limit);
    }
    // Its run has a new owner, which does not know that it has its place.
    if (type === 'ask' && place.state === 'held') this.tell(limit, place);
    else this.pumpSoon(limit);
  }

  /** A run that is about to be started takes a place that is free now, or looks whether it may wait for one. */
  take({ run, claim, how }: TakePlaceRequest): TakePlaceReply {
    const free = { because: null, retryAfterMs: 0 };
    if (how === 'look') {
      const waiting = this.find(claim)?.queue.waiting ?? 0;
      return waiting < waitingMax ? free : { because: `${waiting} wait for ${textOf(claim)} already`, retryAfterMs: fullRetryMs };
    }
    const at = performance.now();
    const limit = this.keep(claim);
    if (limit.queue.find(run)?.state === 'held') return free;
    if (!this.ports.mayAct() || this.isStopped || this.ports.heldUntil(limit.shard) > at)
      throw new Fault('unavailable', `the places of ${textOf(limit)} are being counted after a move`, 'Try again in a moment.', {
        service: 'execution',
        retryAfterMs: 1_000,
      });
    // It waits for a moment: in its turn, so that it goes before nobody who waits.
    const place = limit.queue.add(placeOf(run, claim, 'waits'), at);
    this.pump(limit);
    if (place.state === 'held') return free;
    const because = fullText(limit);
    limit.queue.remove(place.id, at);
    return { because, retryAfterMs: Math.max(takenRetryMs, Math.ceil(limit.queue.waitMs(at))) };
  }

  find({ workspace, name, key }: Pick<PlaceClaim, 'workspace' | 'name' | 'key'>): KeptLimit | undefined {
    return this.limits.get(limitKey(workspace, name, key));
  }

  byId(id: string): KeptLimit | undefined {
    return this.limits.get(id);
  }

  ofWorkspace(workspace: string): KeptLimit[] {
    return [...this.limits.values()].filter((limit) => limit.workspace === workspace);
  }

  /** Limits of these shards are another's. */
  drop(isGone: (shard: number) => boolean): void {
    for (const limit of [...this.limits.values()]) if (isGone(limit.shard)) this.forget(limit);
  }

  pumpAll(): void {
    for (const limit of this.limits.values()) this.pumpSoon(limit);
  }

  /** After all that is being handled now: what is told in one moment counts together. */
  private pumpSoon(limit: KeptLimit): void {
    if (this.changed.size === 0)
      setImmediate(() => {
        const limits = [...this.changed];
        this.changed.clear();
        for (const one of limits) if (this.limits.get(one.id) === one) this.pump(one);
      });
    this.changed.add(limit);
  }

  private pump(limit: KeptLimit): void {
    clearTimeout(limit.wake);
    limit.wake = undefined;
    if (!this.ports.mayAct() || this.isStopped) return;
    const { queue } = limit;
    const at = performance.now();
    const heldMs = this.ports.heldUntil(limit.shard) - at;
    if (queue.waiting === 0) return;
    if (heldMs > 0) return this.wakeIn(limit, heldMs);
    for (const place of queue.grant(at)) {
      place.since = now();
      place.heardAt = at;
      this.tell(limit, place);
    }
    const waitMs = queue.waitMs(at);
    // Without a free place, the next that leaves one is waited for.
    if (queue.waiting > 0 && waitMs > 0 && queue.holders < (queue.numbers.concurrency ?? Infinity)) this.wakeIn(limit, waitMs);
  }

  private replace(limit: KeptLimit): void {
    for (const place of limit.queue.surplus()) {
      if (place.isReplaced) continue;
      place.isReplaced = true;
      const shard = shardOfPlace(place.id);
      if (this.ports.owns(shard)) this.ports.replaced(place.id);
      else this.grants.tell(shard, { task: place.id, limit: limit.id, isReplaced: true });
    }
  }

  private wakeIn(limit: KeptLimit, ms: number): void {
    limit.wake = setTimeout(() => this.pump(limit), Math.min(wakeMaxMs, Math.ceil(ms))).unref();
  }

  private tell({ id }: KeptLimit, place: KeptPlace): void {
    const shard = shardOfPlace(place.id);
    if (this.ports.owns(shard)) this.ports.granted(place.id, id);
    else this.grants.tell(shard, { task: place.id, limit: id });
  }

  private keep(claim: PlaceClaim): KeptLimit {
    const known = this.find(claim);
    if (known !== undefined) return known;
    const limit = new KeptLimit(claim, (shard) => this.ports.takenAt(shard));
    this.limits.set(limit.id, limit);
    return limit;
  }

  private forget(limit: KeptLimit): void {
    clearTimeout(limit.wake);
    this.changed.delete(limit);
    this.limits.delete(limit.id);
  }

  private sweep(): void {
    const at = performance.now();
    const due: { limit: KeptLimit; place: KeptPlace }[] = [];
    let idle = 0;
    for (const limit of this.limits.values()) {
      const { queue } = limit;
      if (queue.isIdle(at)) this.forget(limit);
      else if (queue.holders + queue.waiting === 0) idle++;
      for (const place of queue.all())
        if (at - place.heardAt > (place.state === 'held' ? heldAskMs : waitAskMs)) due.push({ limit, place });
    }
    for (const limit of this.limits.values()) {
      if (idle <= idleMax) break;
      if (limit.queue.holders + limit.queue.waiting > 0) continue;
      this.forget(limit);
      idle--;
    }
    if (!this.ports.mayAct()) return;
    for (const [shard, some] of Map.groupBy(due, ({ place }) => shardOfPlace(place.id))) {
      if (this.asking.has(shard)) continue;
      this.asking.add(shard);
      inCall({ traceparent: childTraceparent() }, () => void this.ask(shard, some.slice(0, askMax)));
    }
  }

  /** Whether these are still wanted. Without an answer they are: who knows has no owner at the moment. */
  private async ask(shard: number, some: readonly { limit: KeptLimit; place: KeptPlace }[]): Promise<void> {
    try {
      const tasks = some.map(({ place }) => place.id);
      const gone = new Set(
        this.ports.owns(shard)
          ? this.ports.gone(tasks)
          : (await this.bus.request(askTasks, { tasks: [...new Set(tasks)] }, 'service', { shard })).gone,
      );
      for (const { limit, place } of some) {
        place.heardAt = performance.now();
        if (!gone.has(place.id)) place.isMissed = false;
        else if (!place.isMissed) place.isMissed = true;
        else if (limit.queue.remove(place.id, performance.now())) this.pumpSoon(limit);
      }
    } catch (err) {
      log.debug('places of limits were not asked for', { shard, err });
    } finally {
      this.asking.delete(shard);
    }
  }
}
