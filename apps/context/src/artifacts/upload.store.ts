import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import { PartsCheck, type ArtifactIntent } from './artifact.ts';

/** An upload that nobody finished in this time is forgotten. */
export const uploadMaxAgeMinutes = 60;

/** Parts of artifacts that are still coming. They are their sender's alone. */
@Injectable()
export class UploadStore {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly system: SystemDatabase,
  ) {}

  async begin({ workspace, principal }: Caller, intent: ArtifactIntent, openMax: number): Promise<string> {
    const id = newUuid();
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<unknown[]>(
        `INSERT INTO upload (workspace, id, facts, created_by) SELECT $1, $2, $3, $4
         WHERE (SELECT count(*) FROM upload WHERE workspace = $1) < $5 RETURNING id`,
        [workspace, id, JSON.stringify(intent), principal, openMax],
      ),
    );
    if (rows.length === 0) {
      throw new Fault('limited', `${openMax} uploads of this workspace are open`, 'Finish one, or wait until they are forgotten.', {
        retryAfterMs: 10_000,
      });
    }
    return id;
  }

  async write({ workspace, principal }: Caller, upload: string, index: number, bytes: Buffer): Promise<void> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<unknown[]>(
        `INSERT INTO upload_chunk (workspace, upload, index, bytes) SELECT workspace, id, $4, $5 FROM upload
         WHERE workspace = $1 AND id = $2 AND created_by = $3
         ON CONFLICT (workspace, upload, index) DO UPDATE SET bytes = excluded.bytes RETURNING index`,
        [workspace, upload, principal, index, bytes],
      ),
    );
    if (rows.length === 0) throw unknownUpload(upload);
  }

  async intent({ workspace, principal }: Caller, upload: string): Promise<ArtifactIntent> {
    const rows = await this.db.inWorkspace(workspace, (tx) =>
      tx.query<{ facts: ArtifactIntent }[]>(`SELECT facts FROM upload WHERE workspace = $1 AND id = $2 AND created_by = $3`, [
        workspace,
        upload,
        principal,
      ]),
    );
    if (!rows[0]) throw unknownUpload(upload);
    return rows[0].facts;
  }

  /** Reads the parts back one by one, so that memory holds one, and gives what an artifact is made of. The upload goes with the commit. */
  async assemble(
    tx: EntityManager,
    { workspace }: Caller,
    upload: string,
    count: number,
    claimed: string | undefined,
  ): Promise<{ sha256: Buffer; size: number; write: (tx: EntityManager) => Promise<void> }> {
    const locked = await tx.query<unknown[]>(`SELECT id FROM upload WHERE workspace = $1 AND id = $2 FOR UPDATE`, [workspace, upload]);
    if (locked.length === 0) throw unknownUpload(upload);
    const check = new PartsCheck(count);
    for (let index = 0; index < count; index++) {
      const parts = await tx.query<{ bytes: Buffer }[]>(
        `SELECT bytes FROM upload_chunk WHERE workspace = $1 AND upload = $2 AND index = $3`,
        [workspace, upload, index],
      );
      if (parts[0]) check.take(index, parts[0].bytes);
      else break;
    }
    const sha256 = check.end(claimed);
    return {
      sha256,
      size: check.size,
      write: async (same) => {
        await same.query(
          `INSERT INTO blob_chunk (workspace, sha256, index, bytes) SELECT workspace, $3, index, bytes FROM upload_chunk
           WHERE workspace = $1 AND upload = $2 AND index < $4`,
          [workspace, upload, sha256, count],
        );
      },
    };
  }

  async remove(tx: EntityManager, { workspace }: Caller, upload: string): Promise<void> {
    await tx.query(`DELETE FROM upload WHERE workspace = $1 AND id = $2`, [workspace, upload]);
  }

  /** Forgets what was begun and never finished. */
  async sweep(): Promise<void> {
    await this.system.run((tx) =>
      tx.query(`DELETE FROM upload WHERE created_at < now() - $1 * interval '1 minute'`, [uploadMaxAgeMinutes]),
    );
  }
}

function unknownUpload(id: string): Fault {
  return new Fault('not_found', `there is no upload ${fromUuid('upload', id)}`, 'Begin it anew: uploads are forgotten after an hour.');
}
