import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Subscription } from '@nats-io/transport-node';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { runProgressed, type RunProgressed } from '@signalbox/shared/contracts/execution/run-event.js';

type Listener = (told: RunProgressed) => void;

/** Live events of runs, heard once by this process while somebody follows a run. */
@Injectable()
export class RunFeed implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<Listener>>();
  private subscription: Subscription | undefined;
  private heard: Promise<void> = Promise.resolve();

  constructor(private readonly bus: Bus) {}

  /** Hears a run until the returned function is called. Resolves when nothing that happens from now on is missed. */
  async follow(run: string, listener: Listener): Promise<() => void> {
    const own = this.listeners.get(run) ?? new Set();
    this.listeners.set(run, own.add(listener));
    this.listen();
    const stop = (): void => {
      own.delete(listener);
      if (own.size === 0 && this.listeners.get(run) === own) this.listeners.delete(run);
      if (this.listeners.size === 0) this.onApplicationShutdown();
    };
    try {
      await this.heard;
    } catch (thrown) {
      stop();
      throw thrown;
    }
    return stop;
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
  }

  private listen(): void {
    if (this.subscription) return;
    this.subscription = this.bus.connection.subscribe(runProgressed.subject, {
      callback: (error, message) => {
        if (!error) this.hear(message.data);
      },
    });
    this.heard = this.bus.connection.flush();
  }

  private hear(data: Uint8Array): void {
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
    const { entity, payload } = JSON.parse(text) as EventEnvelope;
    for (const listener of this.listeners.get(entity) ?? []) listener(payload as RunProgressed);
  }
}
