import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Subscription } from '@nats-io/transport-node';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { toolProgressed, type ToolProgressed } from '@signalbox/shared/contracts/mcp-server/events.js';

type Listener = (progress: ToolProgressed) => void;

/** Brings what tools say while they work to the calls of this process that asked for it. */
@Injectable()
export class ProgressRelay implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly listeners = new Map<string, Listener>();
  private subscription: Subscription | null = null;

  constructor(private readonly bus: Bus) {}

  onApplicationBootstrap(): void {
    this.subscription = this.bus.connection.subscribe(toolProgressed.subject, {
      callback: (error, message) => {
        if (error || this.listeners.size === 0) return;
        const { payload } = message.json<EventEnvelope & { payload: ToolProgressed }>();
        this.listeners.get(payload.progressId)?.(payload);
      },
    });
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
  }

  /** An id for one call whose progress `listener` hears, until the returned function is called. */
  open(listener: Listener): { progressId: string; close: () => void } {
    const progressId = randomUUID();
    this.listeners.set(progressId, listener);
    return { progressId, close: () => void this.listeners.delete(progressId) };
  }
}
