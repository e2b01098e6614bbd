import { Injectable } from '@nestjs/common';
import { workflowScaled } from '@signalbox/shared/contracts/execution/workflow-scaled.js';
import { SystemDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Outbox } from '@signalbox/shared/outbox/outbox.js';
import type { EntityManager } from 'typeorm';

/** Workflows with a smaller one that are looked after: more than an installation has. */
const rowsMax = 2_000;

/** A workflow that names a smaller one, as whoever looks after its capacity sees it. */
export interface ScaledRow {
  workspace: string;
  name: string;
  hash: string;
  scale_to: string;
  scale_grant: string;
  scaled_how: 'auto' | 'hand' | null;
  /** Whether the smaller one is applied. */
  has_variant: boolean;
}

/** Who scales back or restores, why, and how. */
export interface ScaleMove {
  how: 'auto' | 'hand';
  because: string;
  /** A principal with its name. */
  by: { principal: string; name: string };
  agents?: string[];
  /** The smaller workflow, where the row does not name it any more. */
  to?: string | undefined;
}

/** Which workflows new runs get the smaller one of. */
@Injectable()
export class ScaleBackStore {
  constructor(
    private readonly system: SystemDatabase,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
  ) {}

  /** All of them, of all workspaces. */
  all(): Promise<ScaledRow[]> {
    return this.system.source.query(
      `SELECT w.workspace, w.name, w.hash, w.scale_to, w.scale_grant, w.scaled_how,
         EXISTS (SELECT 1 FROM workflow v WHERE v.workspace = w.workspace AND v.name = w.scale_to) AS has_variant
       FROM workflow w WHERE w.scale_to IS NOT NULL ORDER BY w.workspace, w.name LIMIT $1`,
      [rowsMax],
    );
  }

  /** New runs get the smaller one. By hand it also makes one's own of what began by itself. False: nothing has changed. */
  async begin(tx: EntityManager, workspace: string, name: string, move: ScaleMove): Promise<boolean> {
    const [rows] = await tx.query<[{ scale_to: string; scale_version: number }[], number]>(
      `UPDATE workflow SET scaled_at = coalesce(scaled_at, now()), scaled_how = $3, scaled_because = $4, scaled_by = $5,
         scale_version = scale_version + 1
       WHERE workspace = $1 AND name = $2 AND scale_to IS NOT NULL AND (scaled_at IS NULL OR ($3 = 'hand' AND scaled_how = 'auto'))
       RETURNING scale_to, scale_version`,
      [workspace, name, move.how, move.because, move.by.name],
    );
    const [row] = rows;
    if (row === undefined) return false;
    await this.tell(tx, workspace, name, row, true, move);
    return true;
  }

  /** They get what they ask for again; what was done by hand, only by hand. False: nothing has changed. */
  async end(tx: EntityManager, workspace: string, name: string, move: ScaleMove): Promise<boolean> {
    const [rows] = await tx.query<[{ scale_to: string; scale_version: number }[], number]>(
      `UPDATE workflow SET scaled_at = NULL, scaled_how = NULL, scaled_because = NULL, scaled_by = NULL, scale_version = scale_version + 1
       WHERE workspace = $1 AND name = $2 AND scaled_at IS NOT NULL AND ($3 = 'hand' OR scaled_how = 'auto') RETURNING scale_to, scale_version`,
      [workspace, name, move.how],
    );
    const [row] = rows;
    if (row === undefined) return false;
    await this.tell(tx, workspace, name, row, false, move);
    return true;
  }

  private async tell(
    tx: EntityManager,
    workspace: string,
    name: string,
    { scale_to: named, scale_version: version }: { scale_to: string; scale_version: number },
    isScaledBack: boolean,
    { how, because, by, agents, to = named }: ScaleMove,
  ): Promise<void> {
    await this.outbox.append(tx, workflowScaled, {
      workspace,
      entity: `workflow ${name}`,
      version,
      payload: { workflow: name, to, isScaledBack, how, because, by: by.name, ...(agents && { agents: agents.slice(0, 20) }) },
    });
    await this.audit.append(
      tx,
      { workspace, ...by },
      { action: isScaledBack ? 'workflow.scale-back' : 'workflow.restore', target: `workflow ${name}`, detail: { to, how, because } },
    );
  }
}
