import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { beatInstance, type BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { beatInstances, beatsMax } from '@signalbox/shared/contracts/registry/beat-instances.js';
import { shardOfAgent } from '@signalbox/shared/contracts/registry/instance-shard.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** A worker whose connection broke has this long to come back before the registry hears that it is gone. */
const graceMs = 3_000;
/** Beats of so long go out together; how old each is, is said. */
const gatherMs = 500;

export interface InstanceBeat {
  agent: string;
  instance: string;
  capacity: number;
  inFlight: number;
  isDraining: boolean;
}

/** A worker that is connected here. */
interface Connected {
  readonly shard: number;
  connections: number;
  /** The goodbye that waits. */
  goodbye: NodeJS.Timeout | undefined;
  /** `instance_…`, as the registry knows it; undefined while it does not. */
  id: string | undefined;
  /** What the registry was told. */
  isDraining: boolean;
  inFlight: number;
  /** Monotonic milliseconds. */
  beatAt: number;
}

/**
 * Tells the registry of workers' instances: who came and what changed at once and in the worker's name, mere beats of all of a shard together.
 * `execution` owns their tasks; how they are, the registry knows.
 */
@Injectable()
export class Instances implements BeforeApplicationShutdown {
  /** By workspace, agent and instance. */
  private readonly open = new Map<string, Connected>();
  /** Who has beaten since the registry was told last. */
  private readonly beaten = new Set<Connected>();
  private gathering: NodeJS.Timeout | undefined;

  constructor(private readonly bus: Bus) {}

  /** A worker came. Rejects with `not_found` when its agent is not there, or not its own; a registry that is away does not stop it. */
  async came(
    caller: Caller,
    {
      agent,
      instance,
      capacity,
      skills,
      version,
    }: { agent: string; instance: string; capacity: number; skills: string[]; version?: number },
  ): Promise<void> {
    const key = keyOf(caller, agent, instance);
    const worker = this.open.get(key) ?? newlyConnected(shardOfAgent(caller.workspace, agent));
    clearTimeout(worker.goodbye);
    worker.goodbye = undefined;
    worker.connections++;
    this.open.set(key, worker);
    try {
      const said = { ...(skills.length > 0 && { skills }), ...(version !== undefined && { version }) };
      await this.introduce(caller, worker, { agent, instance, capacity, inFlight: 0, ...said });
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code !== 'unavailable' && fault.code !== 'timeout') throw thrown;
      log.warn('the registry did not hear of a worker', { agent, instance, err: thrown });
    }
  }

  /** A heartbeat. Best effort: the next comes soon. */
  beat(caller: Caller, { isDraining, ...beat }: InstanceBeat): void {
    const worker = this.open.get(keyOf(caller, beat.agent, beat.instance));
    if (worker === undefined) return;
    if (worker.id === undefined || worker.isDraining !== isDraining) {
      const status = isDraining ? { status: 'draining' as const } : {};
      this.introduce(caller, worker, { ...beat, ...status }).catch((err: unknown) => unheard(beat.instance, err));
      return;
    }
    worker.inFlight = beat.inFlight;
    worker.beatAt = performance.now();
    this.beaten.add(worker);
    this.gathering ??= setTimeout(() => this.tellBeats(), gatherMs);
  }

  /** A worker's connection ended. `isDone`: it has drained and nothing of it is left. */
  left(caller: Caller, agent: string, instance: string, isDone: boolean): void {
    const key = keyOf(caller, agent, instance);
    const worker = this.open.get(key);
    if (!worker || --worker.connections > 0) return;
    const goodbye = (): void => {
      this.open.delete(key);
      this.beaten.delete(worker);
      const reason = isDone ? 'it has stopped' : 'its connection was lost';
      this.bus
        .request(beatInstance, { agent, instance, capacity: 0, inFlight: 0, status: 'gone', reason }, caller)
        .catch((err: unknown) => unheard(instance, err));
    };
    if (isDone) goodbye();
    else worker.goodbye = setTimeout(goodbye, graceMs);
  }

  /** The gateway goes, the workers do not: they come back by another, or miss their beats. */
  beforeApplicationShutdown(): void {
    clearTimeout(this.gathering);
    for (const { goodbye } of this.open.values()) clearTimeout(goodbye);
    this.open.clear();
  }

  private async introduce(caller: Caller, worker: Connected, beat: BeatInstanceRequest): Promise<void> {
    const { id } = await this.bus.request(beatInstance, beat, caller);
    worker.id = id;
    worker.isDraining = beat.status === 'draining';
  }

  private tellBeats(): void {
    this.gathering = undefined;
    const byShard = Map.groupBy(this.beaten, ({ shard }) => shard);
    this.beaten.clear();
    for (const [shard, workers] of byShard) {
      for (let at = 0; at < workers.length; at += beatsMax) void this.tellShard(shard, workers.slice(at, at + beatsMax));
    }
  }

  private async tellShard(shard: number, workers: readonly Connected[]): Promise<void> {
    const now = performance.now();
    const known = workers.filter(({ id }) => id !== undefined);
    if (known.length === 0) return;
    const request = {
      ids: known.map(({ id }) => id as string),
      inFlight: known.map(({ inFlight }) => inFlight),
      ageMs: known.map(({ beatAt }) => Math.round(now - beatAt)),
    };
    try {
      const unknown = new Set((await this.bus.request(beatInstances, request, 'service', { shard })).unknown);
      // Their next beat says who they are.
      for (const worker of known) if (worker.id !== undefined && unknown.has(worker.id)) worker.id = undefined;
    } catch (err) {
      // An owner that was killed is followed by another, who gives everybody time.
      log.debug('beats were not heard', { shard, instances: known.length, err });
    }
  }
}

function newlyConnected(shard: number): Connected {
  return { shard, connections: 0, goodbye: undefined, id: undefined, isDraining: false, inFlight: 0, beatAt: 0 };
}

function unheard(instance: string, err: unknown): void {
  log.debug('a beat was not heard', { instance, err });
}

function keyOf({ workspace }: Caller, agent: string, instance: string): string {
  return `${workspace} ${agent} ${instance}`;
}
