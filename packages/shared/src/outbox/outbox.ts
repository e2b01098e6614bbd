import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { EntityManager } from 'typeorm';
import type { Bus } from '../bus/bus.ts';
import { isLost } from '../bus/connection.ts';
import type { EventContract } from '../bus/contract.ts';
import { ensureEventStream, eventStream } from '../bus/event-stream.ts';
import type { EventEnvelope } from '../bus/event-meta.ts';
import { Fault } from '../errors/fault.ts';
import { afterCommit, sqlStateOf, type SystemDatabase } from '../database/workspace-database.ts';
import { newUuid, timeOfUuid } from '../ids/ids.ts';
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

/** What JetStream answers to a message that it stores (or does not): its `PubAck`. */
interface PublishAck {
  stream?: string;
  error?: { description?: string };
}

const sweepEveryMs = 1_000;
/** Younger rows are being published by the replica that wrote them. */
const sweepAfterMs = 1_000;
const sweepMax = 500;
const publishTimeoutMs = 5_000;
/** What was written this much earlier than the newest event that the stream still has may have been published after it. */
const reopenMarginMs = 60_000;

/** Durable events: an event exists if and only if its change was committed. */
export class Outbox {
  private timer: NodeJS.Timeout | null = null;
  private sweeping: Promise<void> = Promise.resolve();
  /** Resolves when nothing is missing in the stream that this service published over earlier connections. */
  private whole: Promise<void> | null = null;

  constructor(
    private readonly database: SystemDatabase,
    private readonly bus: Bus,
  ) {}

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

  /** Hands one event that is in the outbox to the stream, which drops it if it has it already. */
  async publish(subject: string, envelope: EventEnvelope): Promise<void> {
    await this.beWhole();
    try {
      const messageHeaders = headers();
      messageHeaders.append('Nats-Msg-Id', envelope.id);
      const asking = this.bus.requests.ask(subject, JSON.stringify(envelope), { headers: messageHeaders, timeoutMs: publishTimeoutMs });
      const { error, stream } = (await asking.answer).json<PublishAck>();
      if (error || !stream) throw new Error(`the stream does not take an event: ${error?.description ?? 'it does not say why'}`);
    } catch (error) {
      this.whole = null;
      throw error;
    }
  }

  private beWhole(): Promise<void> {
    const whole = (this.whole ??= this.reopenLost());
    whole.catch(() => {
      if (this.whole === whole) this.whole = null;
    });
    return whole;
  }

  /**
   * A server may have lost its disk, or with its power what was not yet written to it: what the stream should have and has not is open again, for the
   * sweep. Before anything is published over a new connection, since the newest event of each subject is what tells.
   */
  private async reopenLost(): Promise<void> {
    await ensureEventStream(this.bus.connection);
    const manager = await jetstreamManager(this.bus.connection, { checkAPI: false });
    const { state, config } = await manager.streams.info(eventStream);
    // As an earlier version made it: a direct read would be answered by nobody, and each waited for in vain.
    if (config.allow_direct !== true)
      return log.warn('whether events were lost cannot be seen: the stream does not allow direct reads', { eventStream });
    const newest: { subject: string; id: string }[] = await this.database.source.query(
      `SELECT subject, max(id::text) AS id FROM outbox WHERE published_at IS NOT NULL GROUP BY subject`,
    );
    for (const { subject, id } of newest) {
      const kept = await manager.direct.getMessage(eventStream, { last_by_subj: subject });
      const keptId = kept?.header.get('Nats-Msg-Id');
      if (keptId && keptId >= id) continue; // one that is newer is not marked yet
      // The stream drops its oldest when it is full.
      if (!keptId && state.first_seq > 1 && state.messages > 0 && timeOfUuid(id) < Date.parse(state.first_ts)) continue;
      const since = keptId ? timeOfUuid(keptId) - reopenMarginMs : 0;
      const [, count] = await this.database.source.query(
        `UPDATE outbox SET published_at = NULL WHERE subject = $1 AND published_at IS NOT NULL AND created_at >= to_timestamp($2 / 1000.0)`,
        [subject, since],
      );
      log.warn('the event stream has lost events: they are published again', { subject, count });
    }
  }

  private async markPublished(ids: string[]): Promise<void> {
    await this.database.source.query(`UPDATE outbox SET published_at = now() WHERE id = ANY($1::uuid[])`, [ids]);
  }

  /** Publishes every second what a crash or an outage left behind, and drops what is old. */
  start(): void {
    void this.watch();
    this.timer = setInterval(() => {
      this.sweeping = this.sweeping.then(() => this.sweep()).catch((err: unknown) => log.warn('the outbox was not swept', { err }));
    }, sweepEveryMs);
  }

  private async watch(): Promise<void> {
    for await (const { type } of this.bus.connection.status()) if (type === 'disconnect') this.whole = null;
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.sweeping;
  }

  private async sweep(): Promise<void> {
    if (this.bus.connection.isClosed() || isLost(this.bus.connection)) return;
    await this.beWhole();
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
