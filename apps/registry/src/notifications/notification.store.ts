import { Injectable } from '@nestjs/common';
import { decodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import type { Notification, NotificationStatus } from '@signalbox/shared/contracts/registry/notification.js';
import type { NotificationKind } from '@signalbox/shared/contracts/registry/notification-rule.js';
import type { Severity } from '@signalbox/shared/contracts/registry/incident.js';
import { fromUuid, newUuid, toUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { changedRows, Conditions, likeText, rowsOf } from '../database/sql.ts';
import { noticesMax, titleOf, worstOf, type Message } from './message.ts';
import type { Notice } from './notice.ts';

export interface NotificationRow {
  workspace: string;
  id: string;
  rule: string;
  channel: string;
  kind: NotificationKind;
  group_key: string;
  title: string;
  severity: Severity;
  message: Message | null;
  events: number;
  status: NotificationStatus;
  due_at: Date;
  next_at: Date | null;
  attempts: number;
  claimed_until: Date | null;
  failure: string | null;
  created_at: Date;
  ended_at: Date | null;
}

export interface NotificationQuery {
  status?: NotificationStatus;
  channel?: string;
  rule?: string;
  q?: string;
  limit?: number;
  cursor?: string;
}

/** A message that is begun. Times in epoch milliseconds: `at` is when what it tells first happened, by which those of a group are in order. */
export interface NewNotification {
  workspace: string;
  rule: string;
  channel: string;
  kind: NotificationKind;
  groupKey: string;
  title: string;
  severity: Severity;
  at: number;
  dueAt: number;
  message?: Message;
}

/** One claim at a time holds so many messages of one channel: a slow receiver keeps nobody else waiting. */
const perChannel = 2;

/** Messages to channels: what gathers, waits, was sent or given up. Methods work in a transaction of one workspace, but for those that say otherwise. */
@Injectable()
export class NotificationStore {
  /** False: the event was told by this rule to this channel already. */
  async isNew(tx: EntityManager, event: string, rule: string, channel: string): Promise<boolean> {
    const known = await rowsOf(tx, `SELECT 1 FROM notification_event WHERE event = $1 AND rule = $2 AND channel = $3`, [
      event,
      rule,
      channel,
    ]);
    return known.length === 0;
  }

  /** The message of the group that still gathers, kept from others until the transaction ends. */
  async gathering(tx: EntityManager, rule: string, channel: string, groupKey: string): Promise<NotificationRow | null> {
    const [row] = await rowsOf<NotificationRow>(
      tx,
      `SELECT * FROM notification WHERE rule = $1 AND channel = $2 AND group_key = $3 AND status = 'waiting' AND attempts = 0 AND message IS NULL
         AND due_at > clock_timestamp() ORDER BY created_at DESC LIMIT 1 FOR UPDATE`,
      [rule, channel, groupKey],
    );
    return row ?? null;
  }

  /**
   * The newest `max` times at which messages of the rule were or will be sent to the channel, after a moment; the oldest of them and how many there are.
   * What is critical takes no room from the others.
   */
  async sentSince(
    tx: EntityManager,
    rule: string,
    channel: string,
    since: number,
    max: number,
  ): Promise<{ count: number; oldest: Date | null }> {
    const [row] = await rowsOf<{ count: number; oldest: Date | null }>(
      tx,
      `SELECT count(*)::int AS count, min(due_at) AS oldest FROM (
         SELECT due_at FROM notification WHERE rule = $1 AND channel = $2 AND severity <> 'critical' AND due_at > to_timestamp($3::float8 / 1000)
         ORDER BY due_at DESC LIMIT $4) AS recent`,
      [rule, channel, since, max],
    );
    return row!;
  }

  async begin(tx: EntityManager, begun: NewNotification): Promise<string> {
    const { workspace, rule, channel, kind, groupKey, title, severity, at, dueAt, message } = begun;
    const id = newUuid();
    const text = message === undefined ? null : JSON.stringify(message);
    await tx.query(
      `INSERT INTO notification (workspace, id, rule, channel, kind, group_key, title, severity, message, events, created_at, due_at, next_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11::float8 / 1000), to_timestamp($12::float8 / 1000), to_timestamp($12::float8 / 1000))`,
      [workspace, id, rule, channel, kind, groupKey, title, severity, text, message ? 1 : 0, at, dueAt],
    );
    return id;
  }

  /** Adds an event to a message that gathers. */
  async add(
    tx: EntityManager,
    workspace: string,
    notification: string,
    event: string,
    rule: string,
    channel: string,
    notice: Notice,
  ): Promise<void> {
    const [row] = await changedRows<NotificationRow>(tx, `UPDATE notification SET events = events + 1 WHERE id = $1 RETURNING *`, [
      notification,
    ]);
    const place = row!.events;
    await tx.query(
      `INSERT INTO notification_event (workspace, event, rule, channel, notification, place, notice) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [workspace, event, rule, channel, notification, place, place > noticesMax ? null : JSON.stringify(notice)],
    );
    const notices = await this.notices(tx, notification);
    await tx.query(`UPDATE notification SET title = $2, severity = $3 WHERE id = $1`, [
      notification,
      titleOf(notices, place),
      worstOf([row!.severity, notice.severity]),
    ]);
  }

  /** The events of a message that are kept, in the order in which they happened: they may be heard in another. */
  async notices(tx: EntityManager, notification: string): Promise<Notice[]> {
    const rows = await rowsOf<{ notice: Notice }>(
      tx,
      `SELECT notice FROM notification_event WHERE notification = $1 AND notice IS NOT NULL ORDER BY (notice->>'at')::bigint, place LIMIT $2`,
      [notification, noticesMax],
    );
    return rows.map(({ notice }) => notice);
  }

  /**
   * Takes messages of any workspace that are due, for so long, by the system's role: of each group the oldest alone, so that they arrive in order; of
   * each channel few.
   */
  claim(tx: EntityManager, forMs: number, max: number): Promise<NotificationRow[]> {
    return changedRows<NotificationRow>(
      tx,
      `WITH due AS (
         SELECT n.workspace, n.id, row_number() OVER (PARTITION BY n.workspace, n.channel ORDER BY n.created_at, n.id) +
           (SELECT count(*) FROM notification AS c WHERE c.workspace = n.workspace AND c.channel = n.channel AND c.status = 'waiting' AND c.claimed_until > now()) AS place
         FROM notification AS n
         WHERE n.status = 'waiting' AND n.next_at <= now() AND (n.claimed_until IS NULL OR n.claimed_until <= now())
           AND NOT EXISTS (SELECT 1 FROM notification AS e WHERE e.workspace = n.workspace AND e.channel = n.channel AND e.rule = n.rule AND e.group_key = n.group_key
             AND e.status = 'waiting' AND e.due_at <= now() AND (e.created_at, e.id) < (n.created_at, n.id)))
       UPDATE notification SET claimed_until = now() + $1 * interval '1 millisecond', attempts = attempts + 1
       WHERE (workspace, id) IN (
         SELECT workspace, id FROM notification WHERE (workspace, id) IN (SELECT workspace, id FROM due WHERE place <= $3 ORDER BY place LIMIT $2)
           AND status = 'waiting' AND (claimed_until IS NULL OR claimed_until <= now()) FOR UPDATE SKIP LOCKED)
       RETURNING *`,
      [forMs, max, perChannel],
    );
  }

  /** What became of an attempt; nothing where another replica has taken the message meanwhile. */
  async end(
    tx: EntityManager,
    { id, attempts }: NotificationRow,
    status: NotificationStatus,
    failure: string | null,
    nextAt: number | null,
  ): Promise<boolean> {
    const changed = await changedRows(
      tx,
      `UPDATE notification SET status = $3, failure = $4, claimed_until = NULL, next_at = to_timestamp($5::float8 / 1000),
         ended_at = CASE WHEN $3 = 'waiting' THEN NULL ELSE now() END
       WHERE id = $1 AND attempts = $2 AND status = 'waiting' RETURNING id`,
      [id, attempts, status, failure, nextAt],
    );
    return changed.length === 1;
  }

  async find(tx: EntityManager, id: string): Promise<NotificationRow | null> {
    const [row] = await rowsOf<NotificationRow>(tx, `SELECT * FROM notification WHERE id = $1 FOR UPDATE`, [id]);
    return row ?? null;
  }

  /** A message that was given up is due again, with all its attempts before it. */
  async revive(tx: EntityManager, id: string): Promise<NotificationRow> {
    const [row] = await changedRows<NotificationRow>(
      tx,
      `UPDATE notification SET status = 'waiting', attempts = 0, next_at = now(), ended_at = NULL WHERE id = $1 RETURNING *`,
      [id],
    );
    return row!;
  }

  /** One more than asked for, the newest first. */
  list(tx: EntityManager, { status, channel, rule, q, limit = pageLimitDefault, cursor }: NotificationQuery): Promise<NotificationRow[]> {
    const where = new Conditions();
    if (cursor !== undefined) where.add('id < $', toUuid(decodeCursor(cursor, 1)[0]!, 'ntf'));
    if (status !== undefined) where.add('status = $', status);
    if (channel !== undefined) where.add('channel = $', channel);
    if (rule !== undefined) where.add('rule = $', rule);
    if (q !== undefined) where.add('title ILIKE $', `%${likeText(q)}%`);
    const { text } = where;
    return rowsOf<NotificationRow>(
      tx,
      `SELECT * FROM notification WHERE ${text} ORDER BY id DESC LIMIT $${where.values.push(limit + 1)}`,
      where.values,
    );
  }

  /** How many were given up since a moment, in epoch milliseconds. */
  async deadSince(tx: EntityManager, since: number): Promise<number> {
    const [row] = await rowsOf<{ count: number }>(
      tx,
      `SELECT count(*)::int AS count FROM notification WHERE status = 'dead' AND ended_at > to_timestamp($1::float8 / 1000)`,
      [since],
    );
    return row!.count;
  }

  /** Forgets what of any workspace was sent or given up so long ago, by the system's role. */
  async forget(tx: EntityManager, sentMs: number, deadMs: number, max: number): Promise<void> {
    const gone = await changedRows<{ id: string }>(
      tx,
      `DELETE FROM notification WHERE (workspace, id) IN (SELECT workspace, id FROM notification
         WHERE ended_at < now() - $1::float8 * interval '1 millisecond' AND ended_at < now() - CASE status WHEN 'sent' THEN $1::float8 ELSE $2::float8 END * interval '1 millisecond' LIMIT $3) RETURNING id`,
      [sentMs, deadMs, max],
    );
    if (gone.length > 0) await tx.query(`DELETE FROM notification_event WHERE notification = ANY($1)`, [gone.map(({ id }) => id)]);
  }
}

export function notificationView(row: NotificationRow): Notification {
  return {
    id: fromUuid('ntf', row.id),
    rule: row.rule,
    channel: row.channel,
    kind: row.kind,
    title: row.title,
    severity: row.severity,
    events: row.events,
    status: row.status,
    attempts: row.attempts,
    failure: row.failure,
    nextAt: row.status === 'waiting' ? (row.next_at?.toISOString() ?? null) : null,
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}
