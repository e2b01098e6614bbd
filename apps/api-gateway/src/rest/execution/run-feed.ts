import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Subscription } from '@nats-io/transport-node';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { eventsIn, runProgressed, type RunEventView, type RunProgressed } from '@signalbox/shared/contracts/execution/run-event.js';

type Listener = (event: RunEventView) => void;

/** Live events of runs, heard once by this process while somebody follows a run, and handed to the run's followers. */
@Injectable()
export class RunFeed implements OnApplicationShutdown {
  private readonly listeners = new Map<string, Set<Listener>>();
  private subscription: Subscription | undefined;

  constructor(private readonly bus: Bus) {}

  /** Hears a run until the returned function is called. Resolves when nothing that happens from now on is missed. */
  async follow(run: string, listener: Listener): Promise<() => void> {
    const own = this.listeners.get(run) ?? new Set();
    this.listeners.set(run, own.add(listener));
    if (!this.subscription) {
      this.subscription = this.bus.connection.subscribe(runProgressed.subject, {
        callback: (error, message) => {
          if (!error) this.hear(message.data);
        },
      });
    }
    await this.bus.connection.flush();
    return () => {
      own.delete(listener);
      if (own.size === 0) this.listeners.delete(run);
      if (this.listeners.size > 0) return;
      this.subscription?.unsubscribe();
      this.subscription = undefined;
    };
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
  }

  private hear(data: Uint8Array): void {
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
    const { entity, payload } = JSON.parse(text) as EventEnvelope;
    const listeners = this.listeners.get(entity);
    if (listeners === undefined) return;
    for (const event of eventsIn(payload as RunProgressed)) for (const listener of listeners) listener(event);
  }
}
