import { Injectable } from '@nestjs/common';
import { BeatWheel } from './beat-wheel.ts';
import type { InstanceState } from './instance.ts';

/** What is known of when an instance beat last is written this often. */
const writeEveryMs = 30_000;

/** An instance that is heard here. Moments are monotonic milliseconds. */
export interface Heard {
  /** `instance_…` */
  readonly id: string;
  readonly uuid: string;
  readonly workspace: string;
  readonly agent: string;
  /** UUID. */
  readonly agentId: string;
  readonly instance: string;
  readonly shard: number;
  /** Of its last event. */
  version: number;
  state: InstanceState;
  beatAt: number;
  /** What the database has. */
  written: { inFlight: number; at: number };
}

/** The instances whose shards are ours, and when each beat last: in memory alone, so that a beat costs next to nothing. */
@Injectable()
export class HeardInstances {
  private readonly byId = new Map<string, Heard>();
  private readonly byAgent = new Map<string, Map<string, Heard>>();
  private readonly wheel = new BeatWheel<Heard>(performance.now());
  /** In the order in which they are written. */
  private readonly unwritten = new Set<Heard>();

  get size(): number {
    return this.byId.size;
  }

  get(id: string): Heard | undefined {
    return this.byId.get(id);
  }

  find(workspace: string, agent: string, instance: string): Heard | undefined {
    return this.byAgent.get(`${workspace} ${agent}`)?.get(instance);
  }

  /** From now on it has to beat within `limitMs`. What is known of it already is replaced, unless that is newer. */
  keep(heard: Heard, limitMs: number): void {
    const before = this.byId.get(heard.id);
    if (before) {
      if (before.version > heard.version) return;
      this.drop(before);
    }
    this.byId.set(heard.id, heard);
    const key = `${heard.workspace} ${heard.agent}`;
    const siblings = this.byAgent.get(key) ?? new Map<string, Heard>();
    this.byAgent.set(key, siblings.set(heard.instance, heard));
    this.wheel.add(heard, heard.beatAt + limitMs);
  }

  beat(heard: Heard, inFlight: number, beatAt: number): void {
    heard.beatAt = Math.max(heard.beatAt, beatAt);
    heard.state.inFlight = inFlight;
    if (inFlight !== heard.written.inFlight) this.unwritten.add(heard);
  }

  drop(heard: Heard): void {
    this.unwritten.delete(heard);
    if (this.byId.get(heard.id) !== heard) return;
    this.byId.delete(heard.id);
    const key = `${heard.workspace} ${heard.agent}`;
    const siblings = this.byAgent.get(key);
    if (siblings?.get(heard.instance) === heard) siblings.delete(heard.instance);
    if (siblings?.size === 0) this.byAgent.delete(key);
  }

  dropAgent(workspace: string, agent: string): void {
    for (const heard of [...(this.byAgent.get(`${workspace} ${agent}`)?.values() ?? [])]) this.drop(heard);
  }

  dropShards(shards: ReadonlySet<number>): void {
    for (const heard of this.byId.values()) if (shards.has(heard.shard)) this.drop(heard);
  }

  /**
   * Those that have not beaten within the limit, at a time when beats could be heard: since `hearingSince` without a gap. Each comes once; `again` for one
   * that could not be dealt with.
   */
  late(now: number, limitMs: number, hearingSince: number): Heard[] {
    return this.wheel.due(now).filter((heard) => {
      if (this.byId.get(heard.id) !== heard) return false;
      const dueAt = Math.max(heard.beatAt, hearingSince) + limitMs;
      if (dueAt <= now) return true;
      this.wheel.add(heard, dueAt);
      if (heard.beatAt - heard.written.at > writeEveryMs) this.unwritten.add(heard);
      return false;
    });
  }

  /** Has one that was late looked at once more. */
  again(heard: Heard, at: number): void {
    this.wheel.add(heard, at);
  }

  /** So many of whom the database does not know enough, those first that wait longest. */
  takeUnwritten(max: number): Heard[] {
    const taken: Heard[] = [];
    for (const heard of this.unwritten) {
      if (taken.length === max) break;
      this.unwritten.delete(heard);
      taken.push(heard);
    }
    return taken;
  }

  /** These were taken and not written. */
  putBack(heard: readonly Heard[]): void {
    for (const each of heard) if (this.byId.get(each.id) === each) this.unwritten.add(each);
  }
}
