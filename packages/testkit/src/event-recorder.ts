import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { EventContract } from '@signalbox/shared/bus/contract.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { validate } from '@signalbox/shared/bus/validate.js';

const waitMs = 15_000;

/** What was heard of one event since the recorder began, in order. */
export class EventRecorder<Payload extends object> {
  readonly heard: (Omit<EventEnvelope, 'payload'> & { payload: Payload })[] = [];
  private readonly subscription: Subscription;
  private readonly waiting = new Set<() => void>();

  constructor(
    connection: NatsConnection,
    private readonly event: EventContract<Payload>,
  ) {
    this.subscription = connection.subscribe(event.subject, {
      callback: (error, message) => {
        if (error) return;
        const { payload, ...facts } = message.json<EventEnvelope>();
        this.heard.push({ ...facts, payload: validate(event.payload, payload) });
        for (const look of this.waiting) look();
      },
    });
  }

  /** The first event, heard already or still to come, whose payload fits. */
  async next(fits: (payload: Payload) => boolean = () => true, timeoutMs = waitMs): Promise<Payload> {
    const { promise, resolve, reject } = Promise.withResolvers<Payload>();
    const look = (): void => {
      const found = this.heard.find(({ payload }) => fits(payload));
      if (found) resolve(found.payload);
    };
    const timer = setTimeout(
      () => reject(new Error(`${this.event.subject} was not heard within ${timeoutMs} ms; heard: ${JSON.stringify(this.heard)}`)),
      timeoutMs,
    );
    this.waiting.add(look);
    look();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(look);
    }
  }

  stop(): void {
    this.subscription.unsubscribe();
  }
}
