import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { beatInstance, type BeatInstanceRequest } from '@signalbox/shared/contracts/registry/beat-instance.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { log } from '@signalbox/shared/telemetry/log.js';

/** A worker whose connection broke has this long to come back before the registry hears that it is gone. */
const graceMs = 3_000;

export interface InstanceBeat {
  agent: string;
  instance: string;
  capacity: number;
  inFlight: number;
  isDraining: boolean;
}

/** Tells the registry of workers' instances. `execution` owns their tasks; how they are, the registry knows. */
@Injectable()
export class Instances implements BeforeApplicationShutdown {
  /** By workspace, agent and instance: connections, and the goodbye that waits. */
  private readonly open = new Map<string, { connections: number; goodbye: NodeJS.Timeout | undefined }>();

  constructor(private readonly bus: Bus) {}

  /** A worker came. Rejects with `not_found` when its agent is not there, or not its own; a registry that is away does not stop it. */
  async came(
    caller: Caller,
    { agent, instance, capacity, skills }: { agent: string; instance: string; capacity: number; skills: string[] },
  ): Promise<void> {
    const entry = this.open.get(keyOf(caller, agent, instance)) ?? { connections: 0, goodbye: undefined };
    clearTimeout(entry.goodbye);
    entry.goodbye = undefined;
    entry.connections++;
    this.open.set(keyOf(caller, agent, instance), entry);
    try {
      await this.bus.request(beatInstance, { agent, instance, capacity, inFlight: 0, ...(skills.length > 0 && { skills }) }, caller);
    } catch (thrown) {
      const fault = Fault.from(thrown);
      if (fault.code !== 'unavailable' && fault.code !== 'timeout') throw thrown;
      log.warn('the registry did not hear of a worker', { agent, instance, err: thrown });
    }
  }

  /** A heartbeat. Best effort: the next comes soon. */
  beat(caller: Caller, { isDraining, ...beat }: InstanceBeat): void {
    this.tell(caller, { ...beat, ...(isDraining && { status: 'draining' as const }) });
  }

  /** A worker's connection ended. `isDone`: it has drained and nothing of it is left. */
  left(caller: Caller, agent: string, instance: string, isDone: boolean): void {
    const key = keyOf(caller, agent, instance);
    const entry = this.open.get(key);
    if (!entry || --entry.connections > 0) return;
    const goodbye = (): void => {
      this.open.delete(key);
      const reason = isDone ? 'it has stopped' : 'its connection was lost';
      this.tell(caller, { agent, instance, capacity: 0, inFlight: 0, status: 'gone', reason });
    };
    if (isDone) goodbye();
    else entry.goodbye = setTimeout(goodbye, graceMs);
  }

  /** The gateway goes, the workers do not: they come back by another, or miss their beats. */
  beforeApplicationShutdown(): void {
    for (const { goodbye } of this.open.values()) clearTimeout(goodbye);
    this.open.clear();
  }

  private tell(caller: Caller, beat: BeatInstanceRequest): void {
    this.bus
      .request(beatInstance, beat, caller)
      .catch((err: unknown) => log.debug('a beat was not heard', { instance: beat.instance, err }));
  }
}

function keyOf({ workspace }: Caller, agent: string, instance: string): string {
  return `${workspace} ${agent} ${instance}`;
}
