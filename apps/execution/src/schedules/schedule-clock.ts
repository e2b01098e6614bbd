import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { childTraceparent, inCall } from '@signalbox/shared/telemetry/call-context.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunStore } from '../runs/run.store.ts';
import { Engine } from '../shards/engine.ts';
import { after, DueSchedules, type Due } from './due-schedules.ts';
import type { Firing } from './firing.store.ts';
import { Ignition } from './ignition.ts';
import { nextMove } from './move.ts';
import { scopeOf } from './schedule.ts';

/** Schedules looked at together, and the longest sleep between looks: what another replica was told of is seen after it. */
const claimsMax = 64;
const togetherMax = 8;
const sleepMaxMs = 1_000;
/** A start that did not work for now is tried again after this long. */
const retryMs = 2_000;
/** Times of one schedule that are dealt with in one look, catching up included. */
const movesMax = 101;

/** Looks at schedules when they are due and starts their runs. One loop a replica: no schedule is held in memory. */
@Injectable()
export class ScheduleClock implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private waking = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly engine: Engine,
    private readonly due: DueSchedules,
    private readonly ignition: Ignition,
    private readonly runs: RunStore,
  ) {}

  onApplicationBootstrap(): void {
    this.loop = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    this.waking.abort();
    await this.loop;
  }

  /** Looks at once: something has changed. */
  wake(): void {
    this.waking.abort();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      let waitMs = sleepMaxMs;
      this.waking = new AbortController();
      try {
        if (this.engine.isReady && !(await this.look())) waitMs = await this.untilNext();
        else if (this.engine.isReady) continue;
      } catch (err) {
        log.warn('the schedules were not looked at', { err });
      }
      await sleep(waitMs, undefined, { signal: this.waking.signal }).catch(() => undefined);
    }
  }

  private async untilNext(): Promise<number> {
    const next = await this.due.nextLook();
    return next === null ? sleepMaxMs : Math.min(sleepMaxMs, Math.max(10, next - now()));
  }

  /** Deals with what is due. Whether there was anything. */
  private async look(): Promise<boolean> {
    const claimed = await this.due.claim(claimsMax);
    const queue = claimed.values();
    const work = async (): Promise<void> => {
      for (const due of queue) await inCall({ traceparent: childTraceparent() }, () => this.dealWith(due));
    };
    await Promise.all(Array.from({ length: Math.min(togetherMax, claimed.length) }, work));
    return claimed.length > 0;
  }

  private async dealWith(due: Due): Promise<void> {
    const { workspace, name } = due.source;
    try {
      if (!(await this.startQueued(due))) return;
      for (let moves = 0; moves < movesMax; moves++) {
        const outcome = await this.makeMove(due);
        if (outcome === 'theirs') return;
        if (outcome === 'done') break;
      }
      await this.due.release(due);
    } catch (err) {
      log.warn('a schedule did not start its run for now', { workspace, schedule: name, err });
      await this.due.release(due, retryMs).catch((error: unknown) => log.warn('a schedule is looked at again later', { err: error }));
    }
  }

  /** Starts the time that waited for the end of a run. False when the schedule is somebody else's by now. */
  private async startQueued(due: Due): Promise<boolean> {
    const { queued, next } = due;
    if (queued === null || (await this.due.liveRuns(due)).length > 0) return true;
    return this.due.advance(due, [await this.ignite(due, queued)], { next, queued: null, last: queued });
  }

  /** Deals with the earliest time that is due. */
  private async makeMove(due: Due): Promise<'done' | 'more' | 'theirs'> {
    const { next, queued, schedule, offsetMs } = due;
    const move = next === null ? null : nextMove(schedule.rhythm, schedule.catchUp, next, now() - offsetMs);
    if (next === null || move === null) return 'done';
    if (move.missed) {
      const { from, to } = move.missed;
      // Who dealt with it before may have started it and crashed before saying so.
      const run = await this.due.startedFor(due, keyOf(from));
      const firing: Firing = run === null ? missed(from, to) : { key: keyOf(from), time: from, outcome: 'started', run };
      const then = run === null ? (move.fire ?? after(due, to)) : after(due, from);
      return (await this.due.advance(due, [firing], { next: then, queued, last: run === null ? to : from })) ? 'more' : 'theirs';
    }
    const time = move.fire as number;
    if (due.isDoubtful) {
      due.isDoubtful = false;
      const reason = 'it was being started when Signalbox stopped, more than a day ago: whether it was cannot be told any more';
      const firing: Firing = { key: keyOf(time), time, outcome: 'skipped', reason };
      return (await this.due.advance(due, [firing], { next: after(due, time), queued, last: time })) ? 'more' : 'theirs';
    }
    const { firing, isQueued } = await this.fire(due, time);
    const to = { next: after(due, time), queued: isQueued ? time : due.queued, last: time };
    return (await this.due.advance(due, [firing], to)) ? 'more' : 'theirs';
  }

  /** Starts a time, or what the overlap policy says while a run lives. */
  private async fire(due: Due, time: number): Promise<{ firing: Firing; isQueued?: boolean }> {
    const { schedule, source, queued } = due;
    const live = schedule.overlap === 'allow' ? [] : await this.due.liveRuns(due);
    const own = live.length === 0 ? null : await this.due.startedFor(due, keyOf(time));
    if (live.length === 0 || own !== null) return { firing: await this.ignite(due, time) };
    const base = { key: keyOf(time), time };
    if (schedule.overlap === 'skip') return { firing: { ...base, outcome: 'skipped', reason: 'its run before has not ended' } };
    if (schedule.overlap === 'queue') {
      if (queued !== null) return { firing: { ...base, outcome: 'skipped', reason: 'another time waits for the end of its run already' } };
      return { firing: { ...base, outcome: 'waiting', reason: 'it starts when its run before has ended' }, isQueued: true };
    }
    try {
      for (const run of live) await this.runs.leave(source.workspace, run, { type: 'cancel', by: `the schedule ${source.name}` });
    } catch (thrown) {
      // One that was set aside waits for a person, and no later time would find it otherwise.
      const { code, detail, next } = Fault.from(thrown);
      if (code !== 'conflict') throw thrown;
      return { firing: { ...base, outcome: 'failed', reason: `its run before is not cancelled: ${detail}. ${next}` } };
    }
    return { firing: await this.ignite(due, time) };
  }

  private async ignite(due: Due, time: number): Promise<Firing> {
    const { source, schedule } = due;
    const { timeZone } = schedule.rhythm;
    const ignited = await this.ignition.ignite(source, keyOf(time), () =>
      schedule.input.compute(scopeOf(source.name, time, timeZone, false)),
    );
    return { key: keyOf(time), time, ...ignited };
  }
}

function keyOf(time: number): string {
  return new Date(time).toISOString();
}

function missed(from: number, to: number): Firing {
  const reason = 'missed while Signalbox was away or could not start it, and not within what is caught up';
  return { key: keyOf(from), time: from, ...(to > from && { until: to }), outcome: 'skipped', reason };
}
