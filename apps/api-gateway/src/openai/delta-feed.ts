import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Subscription } from '@nats-io/transport-node';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { taskDelta, type TaskDelta } from '@signalbox/shared/contracts/protocol/task-delta.js';

/** Pieces kept for somebody who does not know yet which run he will follow; that takes a few milliseconds. */
const earlyMax = 2_000;

/** Somebody's ear: opened before a run is started, so that no piece of it is missed, then turned to that run. */
export class DeltaEar {
  private early: TaskDelta[] = [];
  private run: string | null = null;
  private listener: (delta: TaskDelta) => void = () => undefined;

  constructor(readonly close: () => void) {}

  /** From now on this run alone; what came of it so far is told at once. */
  turnTo(run: string, listener: (delta: TaskDelta) => void): void {
    this.run = run;
    this.listener = listener;
    for (const delta of this.early) this.hear(delta);
    this.early = [];
  }

  hear(delta: TaskDelta): void {
    if (this.run === null) {
      if (this.early.length < earlyMax) this.early.push(delta);
    } else if (delta.run === this.run) this.listener(delta);
  }
}

/** What models write, heard once by this process while somebody listens. Lossy: the run knows the whole. */
@Injectable()
export class DeltaFeed implements OnApplicationShutdown {
  private readonly ears = new Set<DeltaEar>();
  private subscription: Subscription | undefined;

  constructor(private readonly bus: Bus) {}

  /** Resolves when nothing that is written from now on is missed. */
  async open(): Promise<DeltaEar> {
    const ear = new DeltaEar(() => {
      this.ears.delete(ear);
      if (this.ears.size === 0) this.onApplicationShutdown();
    });
    this.ears.add(ear);
    this.subscription ??= this.bus.connection.subscribe(taskDelta.subject, {
      callback: (error, message) => {
        if (error) return;
        const { payload } = message.json<EventEnvelope & { payload: TaskDelta }>();
        for (const each of this.ears) each.hear(payload);
      },
    });
    await this.bus.connection.flush();
    return ear;
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
  }
}
