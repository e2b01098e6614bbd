import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { eventsIn, runProgressed, type RunEventView, type RunProgressed } from '@signalbox/shared/contracts/execution/run-event.js';
import type { StepContext, StepMaker, StepOutcome } from './step-outcome.ts';

/** Agents whose calls are counted at once. */
const countersMax = 2_000;
/** A counter that nobody looks at for so long belongs to a step that is over. */
const idleMs = 60_000;

interface Counter {
  calls: number;
  /** Whether each of the last calls succeeded. */
  last: boolean[];
  lookedAt: number;
}

/** Watches real calls of an agent: done when enough of the last ones succeeded. Counting begins with the step, in memory. */
@Injectable()
export class TrafficStep implements StepMaker, OnApplicationShutdown {
  private readonly counters = new Map<string, Counter>();
  private subscription: { unsubscribe(): void } | null = null;

  constructor(private readonly bus: Bus) {}

  look({ deployment, step, agent }: StepContext): Promise<StepOutcome> {
    const counter = this.counterOf(`${deployment.workspace} ${agent.name}`, step.calls);
    const seen = Math.min(counter.last.length, step.calls);
    const succeeded = counter.last.slice(-step.calls).filter(Boolean).length;
    const share = seen === 0 ? 0 : succeeded / seen;
    const note = seen === 0 ? 'no call has been seen yet' : `${succeeded} of the last ${seen} calls succeeded`;
    if (seen >= step.calls && share >= step.share) return Promise.resolve({ state: 'done', note });
    return Promise.resolve({
      state: 'begun',
      note: `${note}; ${needed(step.calls, step.share)}`,
      fraction: Math.min(0.99, seen / step.calls) * share,
    });
  }

  private counterOf(key: string, size: number): Counter {
    this.listen();
    const moment = performance.now();
    for (const [other, counter] of this.counters) if (moment - counter.lookedAt > idleMs) this.counters.delete(other);
    const counter = this.counters.get(key) ?? { calls: size, last: [], lookedAt: moment };
    counter.calls = Math.max(counter.calls, size);
    counter.lookedAt = moment;
    if (this.counters.size < countersMax) this.counters.set(key, counter);
    return counter;
  }

  /** Every run's events pass here while an agent is counted, and not otherwise. */
  private listen(): void {
    this.subscription ??= this.bus.connection.subscribe(runProgressed.subject, {
      callback: (error, message) => {
        if (error) return;
        const { workspace, payload } = message.json<EventEnvelope & { payload: RunProgressed }>();
        for (const event of eventsIn(payload)) this.count(workspace, event);
      },
    });
  }

  private count(workspace: string, { type, agent }: RunEventView): void {
    const isEnd = type === 'step.succeeded' || type === 'step.failed' || type === 'step.retrying';
    const counter = isEnd ? this.counters.get(`${workspace} ${agent}`) : undefined;
    if (counter === undefined) return;
    counter.last.push(type === 'step.succeeded');
    if (counter.last.length > counter.calls) counter.last.shift();
  }

  onApplicationShutdown(): void {
    this.subscription?.unsubscribe();
  }
}

function needed(calls: number, share: number): string {
  return `${Math.ceil(calls * share)} of ${calls} must`;
}
