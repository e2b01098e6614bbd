import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import { firstValueFrom, isObservable } from 'rxjs';
import { isOutage } from '../errors/fault.ts';
import { childTraceparent, inCall } from '../telemetry/call-context.ts';
import { log } from '../telemetry/log.ts';
import { messageMaxBytes, type EventContract, type ServiceName } from './contract.ts';
import { EventMeta, type EventEnvelope } from './event-meta.ts';
import { ensureEventStream, eventStream, pullExpiresMs } from './event-stream.ts';
import { parseJson } from './json.ts';
import { validate } from './validate.ts';

type EventHandler = (payload: unknown, meta: unknown) => Promise<unknown>;
export interface Listener {
  event: EventContract;
  handler: EventHandler;
}

/**
 * How often a handler may fail on one event before it is given up and said in the log: about 20 minutes, in which another version of the service
 * may come. While something is away, it is tried for as long as the stream keeps it.
 */
export const deliveriesMax = 50;
const retryDelayMaxMs = 30_000;

/** The durable name of a service's consumer of one event: letters, digits, `-` and `_`. */
export function consumerName(service: string, subject: string): string {
  return `${service}__${subject.replaceAll('.', '_')}`;
}

/** A service's ears: a durable consumer for each durable event, a plain subscription for each live one. */
export class EventConsumers {
  private readonly subscriptions: Subscription[] = [];
  private readonly consuming: ConsumerMessages[] = [];

  constructor(
    private readonly service: ServiceName,
    private readonly connection: NatsConnection,
    private readonly pauseMaxMs = retryDelayMaxMs,
  ) {}

  async start(listeners: Listener[]): Promise<void> {
    const bySubject = Map.groupBy(listeners, ({ event }) => event.subject);
    const durable = [...bySubject.values()].filter((group) => group[0]?.event.durable);
    if (durable.length > 0) await ensureEventStream(this.connection);
    for (const group of bySubject.values()) {
      const event = group[0]!.event;
      const handlers = group.map(({ handler }) => handler);
      if (event.durable) await this.consume(event, handlers);
      else this.subscribe(event, handlers);
    }
  }

  private subscribe(event: EventContract, handlers: EventHandler[]): void {
    const subscription = this.connection.subscribe(event.subject, {
      callback: (error, message) => {
        if (error) return;
        this.handle(event, handlers, message.data, 0).catch((err: unknown) =>
          log.error('a live event was not handled', { subject: event.subject, err }),
        );
      },
    });
    this.subscriptions.push(subscription);
  }

  private async consume(event: EventContract, handlers: EventHandler[]): Promise<void> {
    const durableName = await this.addConsumer(event);
    const consumer = await jetstream(this.connection, { checkAPI: false }).consumers.get(eventStream, durableName);
    const messages = await consumer.consume({
      max_messages: 64,
      expires: pullExpiresMs,
      callback: (message) => void this.deliver(event, handlers, message),
    });
    this.consuming.push(messages);
    void this.keep(event, messages);
  }

  private async addConsumer({ subject }: EventContract): Promise<string> {
    const durableName = consumerName(this.service, subject);
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    await manager.consumers.add(eventStream, {
      durable_name: durableName,
      filter_subject: subject,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: 30_000 * 1e6,
      max_deliver: -1, // who gives up is `deliver`
      max_ack_pending: 256,
    });
    return durableName;
  }

  /** Makes the consumer anew where the server has lost it with all else; the client goes on asking for messages, and gets them then. */
  private async keep(event: EventContract, messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type !== 'stream_not_found' && type !== 'consumer_not_found' && type !== 'consumer_deleted') continue;
      try {
        await ensureEventStream(this.connection);
        await this.addConsumer(event);
        log.warn('events are heard anew: the server had lost the consumer', { subject: event.subject });
      } catch (err) {
        log.warn('events are not heard yet', { subject: event.subject, err }); // it is said again, until it is there
      }
    }
  }

  private async deliver(event: EventContract, handlers: EventHandler[], message: JsMsg): Promise<void> {
    try {
      await this.handle(event, handlers, message.data, message.seq);
      message.ack();
    } catch (err) {
      const deliveries = message.info.deliveryCount;
      log.error('an event was not handled', { subject: event.subject, sequence: message.seq, deliveries, err });
      if (deliveries >= deliveriesMax && !isOutage(err)) {
        log.error('an event is given up', { subject: event.subject, sequence: message.seq });
        message.term(); // without a reason: servers before 2.10 do not understand one
      } else message.nak(Math.min(100 * 2 ** Math.min(deliveries, 20), this.pauseMaxMs));
    }
  }

  private async handle(event: EventContract, handlers: EventHandler[], data: Uint8Array, sequence: number): Promise<void> {
    const { payload, ...facts } = parseJson(data, messageMaxBytes) as EventEnvelope;
    const checked = validate(event.payload, payload);
    const meta = new EventMeta({ ...facts, subject: event.subject, sequence });
    await inCall({ traceparent: childTraceparent() }, async () => {
      for (const handler of handlers) {
        const result = await handler(checked, meta);
        if (isObservable(result)) await firstValueFrom(result, { defaultValue: undefined });
      }
    });
  }

  async stop(): Promise<void> {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    await Promise.all(this.consuming.map((messages) => messages.close()));
  }
}
