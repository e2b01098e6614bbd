import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { jetstream, jetstreamManager, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { Bus } from '@signalbox/shared/bus/bus.js';
import type { EventEnvelope } from '@signalbox/shared/bus/event-meta.js';
import { ensureEventStream, eventStream, pullExpiresMs } from '@signalbox/shared/bus/event-stream.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { EventRing, ringMax } from './event-ring.ts';

/** One event as the outside sees it. */
export interface HubEvent {
  /** Sequence in the event stream; absent for what is not kept. */
  sequence?: number;
  /** UUID; null: for every workspace. */
  workspace: string | null;
  /** Whose `read` permission is needed, as `agents`. */
  resource: string;
  /** `<entity>.<past-tense>`, as `agent.changed`. */
  event: string;
  data: Record<string, unknown>;
}

type Listener = (event: HubEvent) => void;

const retryMs = 1_000;

/** The kinds of events that go outside, and the resource that each is about. */
const shownEntities: Record<string, string> = {
  agent: 'agents',
  incident: 'incidents',
  instance: 'agents',
  stage: 'agents',
  evidence: 'evidence',
  eval: 'evals',
  kpi: 'kpis',
  rollout: 'agents',
  deployment: 'deployments',
  'mcp-server': 'mcp-servers',
  breaker: 'agents',
  run: 'runs',
  approval: 'approvals',
  workflow: 'workflows',
  artifact: 'artifacts',
  thread: 'threads',
  secret: 'secrets',
};

/** All durable events of the installation, heard once by this process and handed to every open stream. */
@Injectable()
export class EventHub implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly listeners = new Set<Listener>();
  private readonly ring = new EventRing();
  private messages: ConsumerMessages | null = null;
  private isStopped = false;

  constructor(private readonly bus: Bus) {}

  onApplicationBootstrap(): void {
    void this.keepHearing();
    void this.hearAnew();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    await this.messages?.close();
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Hands an event that is not in the event stream to who listens now. */
  tell(event: HubEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** The events after a sequence, or null where they are not all here any more. */
  since(sequence: number): HubEvent[] | null {
    return this.ring.since(sequence);
  }

  private async keepHearing(): Promise<void> {
    while (!this.isStopped) {
      try {
        await this.hear();
      } catch (err) {
        if (!this.isStopped) log.warn('the event stream is not heard', { err });
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** The server that is back may have lost events: their numbers may be others' now. */
  private async hearAnew(): Promise<void> {
    for await (const { type } of this.bus.connection.status()) if (type === 'reconnect') await this.messages?.close();
  }

  private async hear(): Promise<void> {
    const { connection } = this.bus;
    await ensureEventStream(connection);
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { state } = await manager.streams.info(eventStream);
    if ((this.ring.newest ?? 0) > state.last_seq) this.ring.clear();
    const from = Math.max(this.ring.newest ?? state.last_seq - ringMax, state.first_seq - 1, 0) + 1;
    this.ring.begin(from);
    const consumer = await jetstream(connection, { checkAPI: false }).consumers.get(eventStream, {
      opt_start_seq: from,
      filter_subjects: 'sb.event.>',
    });
    this.messages = await consumer.consume({ expires: pullExpiresMs });
    for await (const message of this.messages) this.take(message);
  }

  private take(message: JsMsg): void {
    const [, , , entity = '', verb = ''] = message.subject.split('.');
    const resource = shownEntities[entity];
    if (resource === undefined) return;
    try {
      const { workspace, entity: about, version: revision, at, payload } = message.json<EventEnvelope>();
      const event = {
        sequence: message.seq,
        workspace: workspace || null,
        resource,
        event: `${entity}.${verb}`,
        data: { ...(payload as Record<string, unknown>), about, revision, at: new Date(at).toISOString() },
      };
      this.ring.take(event);
      this.tell(event);
    } catch (err) {
      log.error('an event is not readable', { subject: message.subject, sequence: message.seq, err });
    }
  }
}
