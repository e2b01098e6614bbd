import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { artifactChanged } from '@signalbox/shared/contracts/context/events.js';
import { sqlStateOf, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import { isSameArtifact, type ArtifactIntent, type StoredArtifact } from './artifact.ts';

interface ArtifactRow {
  id: string;
  name: string;
  media_type: string;
  size: string;
  sha256: Buffer;
  run: string | null;
  step: string | null;
  created_at: Date;
  created_by: string;
}

export interface ArtifactFilter {
  run?: string | undefined;
  name?: string | undefined;
  /** Lower-case words. */
  words: string[];
  before?: string | undefined;
  limit: number;
}

/** Where an artifact's content is when it is made: writes the parts of a blob that is new. */
export type WriteParts = (tx: EntityManager) => Promise<void>;

/** A blob that goes while an artifact of the same content comes makes the second start over; once more is enough, thrice is certain. */
const attemptsMax = 3;

/** Artifacts that go in one transaction where runs take them along. */
const goneMax = 100;

/** Artifacts, and their contents by hash; the same content is kept once in a workspace and never shared between two. */
@Injectable()
export class ArtifactStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  async find(workspace: string, id: string): Promise<StoredArtifact> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<ArtifactRow[]>(`SELECT * FROM artifact WHERE workspace = $1 AND id = $2`, [workspace, id]),
    );
    if (!rows[0]) throw unknownArtifact(id);
    return stored(rows[0]);
  }

  async list(workspace: string, { run, name, words, before, limit }: ArtifactFilter): Promise<StoredArtifact[]> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<ArtifactRow[]>(
        `SELECT * FROM artifact
         WHERE workspace = $1 AND ($2::uuid IS NULL OR run = $2) AND ($3::text IS NULL OR name = $3) AND ($4::uuid IS NULL OR id < $4)
           AND NOT EXISTS (SELECT FROM unnest($5::text[]) AS word WHERE strpos(lower(name || ' ' || media_type), word) = 0)
         ORDER BY id DESC LIMIT $6`,
        [workspace, run ?? null, name ?? null, before ?? null, words, limit],
      ),
    );
    return rows.map(stored);
  }

  /** One part of the content. */
  async readPart(workspace: string, id: string, index: number): Promise<Buffer> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<{ bytes: Buffer }[]>(
        `SELECT c.bytes FROM artifact a JOIN blob_chunk c ON c.workspace = a.workspace AND c.sha256 = a.sha256 AND c.index = $3
         WHERE a.workspace = $1 AND a.id = $2`,
        [workspace, id, index],
      ),
    );
    if (!rows[0]) throw new Fault('not_found', `the artifact has no part ${index}`, 'Read parts from 0 on, as many as its size has.');
    return rows[0].bytes;
  }

  /** Makes an artifact; `write` is asked for the parts only where the workspace does not have this content. All in one transaction. */
  async create(
    caller: Caller,
    intent: ArtifactIntent,
    content: (tx: EntityManager) => Promise<{ sha256: Buffer; size: number; write: WriteParts }>,
    after: (tx: EntityManager) => Promise<void> = () => Promise.resolve(),
  ): Promise<StoredArtifact> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.db.inWorkspace(caller.workspace, async (tx) => {
          const made = await this.createOnce(tx, caller, intent, await content(tx));
          await after(tx);
          return made;
        });
      } catch (thrown) {
        if (attempt >= attemptsMax || !isRace(thrown)) throw thrown;
      }
    }
  }

  private async createOnce(
    tx: EntityManager,
    caller: Caller,
    intent: ArtifactIntent,
    { sha256, size, write }: { sha256: Buffer; size: number; write: WriteParts },
  ): Promise<StoredArtifact> {
    const { workspace, principal } = caller;
    const known = intent.idempotencyKey === null ? null : await this.findByKey(tx, workspace, principal, intent.idempotencyKey);
    if (known) {
      if (isSameArtifact(known, intent, sha256)) return known;
      throw new Fault('conflict', 'the idempotency key was used for another artifact', 'Use a new key for a new artifact.');
    }
    const blobs = await tx.query<unknown[]>(
      `INSERT INTO blob (workspace, sha256, size) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING size`,
      [workspace, sha256, size],
    );
    if (blobs.length > 0) await write(tx);
    const rows = await tx.query<ArtifactRow[]>(
      `INSERT INTO artifact (workspace, id, name, media_type, size, sha256, run, step, created_by, idempotency_key)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *`,
      [workspace, newUuid(), intent.name, intent.mediaType, size, sha256, intent.run, intent.step, principal, intent.idempotencyKey],
    );
    const made = stored(rows[0]!);
    await this.tell(tx, workspace, made, 'created');
    await this.record(tx, caller, made, 'create');
    return made;
  }

  /** Takes an artifact away, and its content when no other has the same. */
  async delete(caller: Caller, id: string): Promise<void> {
    await this.db.inWorkspace(caller.workspace, async (tx) => {
      const [gone] = await this.remove(tx, caller.workspace, [id]);
      if (!gone) throw unknownArtifact(id);
      await this.record(tx, caller, gone, 'delete');
    });
  }

  /** Takes away what these runs made; again, it changes nothing. The audit has the record of the runs. */
  async deleteOf(workspace: string, runs: readonly string[]): Promise<void> {
    for (let count = goneMax; count === goneMax;) {
      count = await this.db.inWorkspace(workspace, async (tx) => {
        const rows = await tx.query<{ id: string }[]>(`SELECT id FROM artifact WHERE workspace = $1 AND run = ANY($2::uuid[]) LIMIT $3`, [
          workspace,
          runs,
          goneMax,
        ]);
        await this.remove(
          tx,
          workspace,
          rows.map(({ id }) => id),
        );
        return rows.length;
      });
    }
  }

  private async remove(tx: EntityManager, workspace: string, ids: readonly string[]): Promise<StoredArtifact[]> {
    // Artifacts of the same content that are just being made hold this row too: one goes first.
    await tx.query(
      `SELECT FROM blob WHERE workspace = $1 AND sha256 IN (SELECT sha256 FROM artifact WHERE workspace = $1 AND id = ANY($2::uuid[]))
       ORDER BY sha256 FOR UPDATE`,
      [workspace, ids],
    );
    const [rows] = await tx.query<[ArtifactRow[], number]>(
      `DELETE FROM artifact WHERE workspace = $1 AND id = ANY($2::uuid[]) RETURNING *`,
      [workspace, ids],
    );
    await tx.query(
      `DELETE FROM blob b WHERE workspace = $1 AND sha256 = ANY($2::bytea[])
       AND NOT EXISTS (SELECT FROM artifact a WHERE a.workspace = $1 AND a.sha256 = b.sha256)`,
      [workspace, rows.map(({ sha256 }) => sha256)],
    );
    const gone = rows.map(stored);
    for (const artifact of gone) await this.tell(tx, workspace, artifact, 'deleted');
    return gone;
  }

  private async findByKey(tx: EntityManager, workspace: string, principal: string, key: string): Promise<StoredArtifact | null> {
    const rows = await tx.query<ArtifactRow[]>(`SELECT * FROM artifact WHERE workspace = $1 AND created_by = $2 AND idempotency_key = $3`, [
      workspace,
      principal,
      key,
    ]);
    return rows[0] ? stored(rows[0]) : null;
  }

  private async tell(tx: EntityManager, workspace: string, artifact: StoredArtifact, change: 'created' | 'deleted'): Promise<void> {
    const id = fromUuid('artifact', artifact.id);
    await this.outbox.append(tx, artifactChanged, {
      workspace,
      entity: id,
      version: change === 'created' ? 1 : 2,
      payload: {
        id,
        name: artifact.name,
        change,
        size: artifact.size,
        ...(artifact.run !== null && { run: fromUuid('run', artifact.run) }),
      },
    });
  }

  private async record(
    tx: EntityManager,
    caller: Caller,
    { id, name, size, sha256 }: StoredArtifact,
    verb: 'create' | 'delete',
  ): Promise<void> {
    await this.audit.append(tx, caller, {
      action: `artifact.${verb}`,
      target: `artifact ${fromUuid('artifact', id)}`,
      detail: { name, size, sha256: sha256.toString('hex') },
    });
  }
}

export function unknownArtifact(id: string): Fault {
  return new Fault('not_found', `there is no artifact ${fromUuid('artifact', id)}`, 'Check the identifier.');
}

/** A foreign key whose blob has just gone, or two requests with one key at the same time. */
function isRace(thrown: unknown): boolean {
  return ['23503', '23505'].includes(sqlStateOf(thrown));
}

function stored(row: ArtifactRow): StoredArtifact {
  return {
    id: row.id,
    name: row.name,
    mediaType: row.media_type,
    size: Number(row.size),
    sha256: row.sha256,
    run: row.run,
    step: row.step,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}
