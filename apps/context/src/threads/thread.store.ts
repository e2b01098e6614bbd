import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { threadChanged } from '@signalbox/shared/contracts/context/events.js';
import type { MessageRole } from '@signalbox/shared/contracts/context/thread.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { isSameMessage, type MessageIntent, type StoredMessage, type StoredThread } from './thread.ts';

interface ThreadRow {
  id: string;
  title: string | null;
  labels: Record<string, string>;
  messages: string;
  created_at: Date;
  created_by: string;
  updated_at: Date;
}

interface MessageRow {
  id: string;
  seq: string;
  role: MessageRole;
  content: unknown;
  name: string | null;
  run: string | null;
  created_at: Date;
  created_by: string;
}

export interface NewThread {
  title: string | null;
  labels: Record<string, string>;
  idempotencyKey: string | null;
}

/** Bytes of messages read for one page: what a reply can hold, with room for their other fields. */
const pageBytesMax = 400_000;

/** A page of messages with the bytes up to each of them. */
const pageUp = `
  SELECT page.*, sum(octet_length(content::text) + 500) OVER (ORDER BY seq) AS sum
  FROM (SELECT * FROM message WHERE workspace = $1 AND thread = $2 AND ($3::bigint IS NULL OR seq > $3) ORDER BY seq LIMIT $4) AS page
  ORDER BY seq`;
const pageDown = `
  SELECT page.*, sum(octet_length(content::text) + 500) OVER (ORDER BY seq DESC) AS sum
  FROM (SELECT * FROM message WHERE workspace = $1 AND thread = $2 AND ($3::bigint IS NULL OR seq < $3) ORDER BY seq DESC LIMIT $4) AS page
  ORDER BY seq DESC`;

/** Conversations and their messages, which are numbered without gaps and never change. */
@Injectable()
export class ThreadStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  create(caller: Caller, { title, labels, idempotencyKey }: NewThread): Promise<StoredThread> {
    const { workspace, principal } = caller;
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<ThreadRow[]>(
        `INSERT INTO thread (workspace, id, title, labels, created_by, idempotency_key) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace, created_by, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING *`,
        [workspace, newUuid(), title, JSON.stringify(labels), principal, idempotencyKey],
      );
      if (!rows[0]) return this.known(tx, caller, { title, labels, idempotencyKey });
      const made = threadOf(rows[0]);
      await this.tell(tx, caller, made.id, 'created', 0, 1);
      await this.audit.append(tx, caller, { action: 'thread.create', target: `thread ${fromUuid('thread', made.id)}` });
      return made;
    });
  }

  /** The thread that an earlier request with the same key made. */
  private async known(
    tx: EntityManager,
    { workspace, principal }: Caller,
    { title, labels, idempotencyKey }: NewThread,
  ): Promise<StoredThread> {
    const rows = await tx.query<ThreadRow[]>(`SELECT * FROM thread WHERE workspace = $1 AND created_by = $2 AND idempotency_key = $3`, [
      workspace,
      principal,
      idempotencyKey,
    ]);
    const found = rows[0] && threadOf(rows[0]);
    if (!found || found.title !== title || JSON.stringify(found.labels) !== JSON.stringify(labels)) {
      throw new Fault('conflict', 'the idempotency key was used for another thread', 'Use a new key for a new thread.');
    }
    return found;
  }

  async find(workspace: string, id: string): Promise<StoredThread> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<ThreadRow[]>(`SELECT * FROM thread WHERE workspace = $1 AND id = $2`, [workspace, id]),
    );
    if (!rows[0]) throw unknownThread(id);
    return threadOf(rows[0]);
  }

  async list(workspace: string, words: string[], before: string | undefined, limit: number): Promise<StoredThread[]> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<ThreadRow[]>(
        `SELECT * FROM thread WHERE workspace = $1 AND ($2::uuid IS NULL OR id < $2)
           AND NOT EXISTS (SELECT FROM unnest($3::text[]) AS word WHERE strpos(lower(coalesce(title, '')), word) = 0)
         ORDER BY id DESC LIMIT $4`,
        [workspace, before ?? null, words, limit],
      ),
    );
    return rows.map(threadOf);
  }

  async delete(caller: Caller, id: string): Promise<void> {
    const { workspace } = caller;
    await this.db.inWorkspace(workspace, async (tx) => {
      const [rows] = await tx.query<[ThreadRow[], number]>(`DELETE FROM thread WHERE workspace = $1 AND id = $2 RETURNING *`, [
        workspace,
        id,
      ]);
      if (!rows[0]) throw unknownThread(id);
      const { messages } = threadOf(rows[0]);
      await this.tell(tx, caller, id, 'deleted', messages, messages + 2);
      await this.audit.append(tx, caller, { action: 'thread.delete', target: `thread ${fromUuid('thread', id)}`, detail: { messages } });
    });
  }

  /** Adds a message: the thread's row gives the number, so that two never get the same. */
  append(caller: Caller, thread: string, intent: MessageIntent): Promise<StoredMessage> {
    const { workspace, principal } = caller;
    return this.db.inWorkspace(workspace, async (tx) => {
      const locked = await tx.query<unknown[]>(`SELECT id FROM thread WHERE workspace = $1 AND id = $2 FOR UPDATE`, [workspace, thread]);
      if (locked.length === 0) throw unknownThread(thread);
      const known = intent.idempotencyKey === null ? null : await this.findByKey(tx, workspace, thread, intent.idempotencyKey);
      if (known) {
        if (isSameMessage(known, intent)) return known;
        throw new Fault('conflict', 'the idempotency key was used for another message', 'Use a new key for a new message.');
      }
      const [counted] = await tx.query<[{ messages: string }[], number]>(
        `UPDATE thread SET messages = messages + 1, updated_at = now() WHERE workspace = $1 AND id = $2 RETURNING messages`,
        [workspace, thread],
      );
      const seq = Number(counted[0]!.messages);
      const { role, content, name, run, idempotencyKey } = intent;
      const rows = await tx.query<MessageRow[]>(
        `INSERT INTO message (workspace, thread, seq, id, role, content, name, run, created_by, idempotency_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *`,
        [workspace, thread, seq, newUuid(), role, content, name, run, principal, idempotencyKey],
      );
      await this.tell(tx, caller, thread, 'message', seq, seq + 1);
      return messageOf(rows[0]!);
    });
  }

  /** Messages after (or before) a number, as many as fit a reply; at least one. */
  async messages(
    workspace: string,
    thread: string,
    { order, from, limit }: { order: 'asc' | 'desc'; from: number | undefined; limit: number },
  ): Promise<{ messages: StoredMessage[]; hasMore: boolean }> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<(MessageRow & { sum: string })[]>(order === 'asc' ? pageUp : pageDown, [workspace, thread, from ?? null, limit + 1]),
    );
    const fitting = rows.filter(({ sum }, index) => index === 0 || (index < limit && Number(sum) <= pageBytesMax));
    return { messages: fitting.map(messageOf), hasMore: fitting.length < rows.length };
  }

  private async findByKey(tx: EntityManager, workspace: string, thread: string, key: string): Promise<StoredMessage | null> {
    const rows = await tx.query<MessageRow[]>(`SELECT * FROM message WHERE workspace = $1 AND thread = $2 AND idempotency_key = $3`, [
      workspace,
      thread,
      key,
    ]);
    return rows[0] ? messageOf(rows[0]) : null;
  }

  private async tell(
    tx: EntityManager,
    { workspace }: Caller,
    thread: string,
    change: 'created' | 'message' | 'deleted',
    messages: number,
    version: number,
  ): Promise<void> {
    const id = fromUuid('thread', thread);
    await this.outbox.append(tx, threadChanged, { workspace, entity: id, version, payload: { id, change, messages } });
  }
}

function unknownThread(id: string): Fault {
  return new Fault('not_found', `there is no thread ${fromUuid('thread', id)}`, 'Check the identifier.');
}

function threadOf(row: ThreadRow): StoredThread {
  return {
    id: row.id,
    title: row.title,
    labels: row.labels,
    messages: Number(row.messages),
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
  };
}

function messageOf(row: MessageRow): StoredMessage {
  return {
    id: row.id,
    seq: Number(row.seq),
    role: row.role,
    content: row.content,
    name: row.name,
    run: row.run,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}
