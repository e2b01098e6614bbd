import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Workspace } from '@signalbox/shared/contracts/security/workspace.js';
import { sqlStateOf } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

interface WorkspaceRow {
  id: string;
  name: string;
  title: string;
  created_at: Date;
}

const uniqueViolation = '23505';

/** Rows of workspaces. */
@Injectable()
export class WorkspaceStore {
  /** Adds one, in a transaction of its own id. `conflict` when the name is taken. */
  async add(tx: EntityManager, { id, name, title }: Pick<Workspace, 'id' | 'name' | 'title'>): Promise<Workspace> {
    try {
      const rows: WorkspaceRow[] = await tx.query(
        `INSERT INTO workspace (id, name, title) VALUES ($1, $2, $3) RETURNING id, name, title, created_at`,
        [id, name, title],
      );
      return shown(rows[0]!);
    } catch (thrown) {
      if (sqlStateOf(thrown) !== uniqueViolation) throw thrown;
      throw new Fault('conflict', `there is a workspace named ${name}`, 'Choose another name.', { cause: thrown });
    }
  }

  /** What follows in the transaction is of this workspace: the wall of rows moves with it. */
  async goOnIn(tx: EntityManager, workspace: string): Promise<void> {
    await tx.query(`SELECT set_config('sb.workspace', $1, true)`, [workspace]);
  }

  /** Every workspace of the installation, by name. Only for who administers it. */
  async listAll(tx: EntityManager, { after, q, limit }: { after: string; q: string; limit: number }): Promise<Workspace[]> {
    const rows: WorkspaceRow[] = await tx.query(`SELECT * FROM list_all_workspaces($1, $2, $3)`, [after, q, limit]);
    return rows.map(shown);
  }

  /** The workspace of the transaction. */
  async listOwn(tx: EntityManager, workspace: string): Promise<Workspace[]> {
    const rows: WorkspaceRow[] = await tx.query(`SELECT id, name, title, created_at FROM workspace WHERE id = $1`, [workspace]);
    return rows.map(shown);
  }
}

function shown({ id, name, title, created_at }: WorkspaceRow): Workspace {
  return { id, name, title, createdAt: created_at.toISOString() };
}
