import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { EntityManager } from 'typeorm';
import type { EventContract } from '../bus/contract.ts';
import { ensureEventStream } from '../bus/event-stream.ts';
import type { EventEnvelope } from '../bus/event-meta.ts';
import { Fault } from '../errors/fault.ts';
import { afterCommit, sqlStateOf, type SystemDatabase } from '../database/workspace-database.ts';
import { newUuid } from '../ids/ids.ts';
import { dataWithoutSecrets } from '../secrets/live-secrets.ts';
import { log } from '../telemetry/log.ts';

export interface EventFacts<Payload> {
  /** UUID of the workspace; empty for events of the installation. */
  workspace: string;
  /** What the event is about: consumers see its events in order of `version`. */
  entity: string;
  version: number;
  payload: Payload;
}

interface OutboxRow {
  id: string;
  subject: string;
  workspace: string;
  entity: string;
  version: string;
  payload: unknown;
  created_at: Date;
}

const sweepEveryMs = 1_000;
/** Younger rows are being published by the replica that wrote them. */
const sweepAfterMs = 1_000;
const sweepMax = 500;
const publishTimeoutMs = 5_000;

/** Durable events: an event exists if and only if its change was committed. */
export class Outbox {
  private readonly stream: JetStreamClient;
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();
  private isStreamKnown = false;

  constructor(
    private readonly database: SystemDatabase,
    connection: NatsConnection,
  ) {
    this.connection = connection;
    this.stream = jetstream(connection, { checkAPI: false });
  }
  private readonly connection: NatsConnection;

  /** Writes an event in the transaction of its change; it is published right after the commit. `unavailable`: no event, so no change either. */
  async append<Payload extends object>(
    tx: EntityManager,
    event: EventContract<Payload>,
    facts: EventFacts<NoInfer<Payload>>,
  ): Promise<void> {
    if (!event.durable) throw new Error(`${event.subject} is live: publish it after the commit`);
    const id = newUuid();
    const { workspace, entity, version } = facts;
    const payload = dataWithoutSecrets(facts.payload);
    try {
      await tx.query(`INSERT INTO outbox (id, subject, workspace, entity, version, payload) VALUES ($1, $2, $3, $4, $5, $6)`, [
        id,
        event.subject,
        workspace,
        entity,
        version,
        JSON.stringify(payload),
      ]);
    } catch (cause) {
      if (sqlStateOf(cause).startsWith('22')) throw cause; // the data: it is said as what it is
      log.error('an event cannot be written: its change is refused', { subject: event.subject, err: cause });
      throw new Fault(
        'unavailable',
        'what has to be recorded with this change cannot be written, so nothing was changed',
        'Try again in a moment; if it stays, the log of the service says why.',
        { cause, retryAfterMs: 1_000 },
      );
    }
    const envelope: EventEnvelope = { id, workspace, entity, version, at: Date.now(), payload };
    afterCommit(tx, () => {
      this.publish(event.subject, envelope)
        .then(
          () => this.markPublished([id]),
          (err: unknown) => log.debug('an event waits for the sweep', { subject: event.subject, err }),
        )
        .catch((err: unknown) => log.debug('a published event stays marked as open', { subject: event.subject, err }));
    });
  }

  private async publish(subject: string, envelope: EventEnvelope): Promise<void> {
    if (!this.isStreamKnown) {
      await ensureEventStream(this.connection);
      this.isStreamKnown = true;
    }
    await this.stream.publish(subject, JSON.stringify(envelope), { msgID: envelope.id, timeout: publishTimeoutMs });
  }

  private async markPublished(ids: string[]): Promise<void> {
    await this.database.source.query(`UPDATE outbox SET published_at = now() WHERE id = ANY($1::uuid[])`, [ids]);
  }

  /** Publishes every second what a crash or an outage left behind, and drops what is old. */
  start(): void {
    this.timer = setInterval(() => {
      this.sweeping = this.sweeping.then(() => this.sweep()).catch((err: unknown) => log.warn('the outbox was not swept', { err }));
    }, sweepEveryMs);
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.sweeping;
  }

  private async sweep(): Promise<void> {
    if (this.connection.isClosed()) return;
    const rows: OutboxRow[] = await this.database.source.query(
      `SELECT id, subject, workspace, entity, version, payload, created_at FROM outbox
       WHERE published_at IS NULL AND created_at < now() - $1 * interval '1 millisecond' ORDER BY created_at LIMIT $2`,
      [sweepAfterMs, sweepMax],
    );
    for (const { id, subject, workspace, entity, version, payload, created_at } of rows) {
      await this.publish(subject, { id, workspace, entity, version: Number(version), at: created_at.getTime(), payload });
    }
    if (rows.length > 0) await this.markPublished(rows.map(({ id }) => id));
    await this.database.source.query(`SELECT drop_published($1)`, [sweepMax]);
  }
}
