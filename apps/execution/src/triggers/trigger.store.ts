import { Injectable } from '@nestjs/common';
import type { TriggerKind, TriggerView } from '@signalbox/shared/contracts/execution/trigger-view.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid, newUuid } from '@signalbox/shared/ids/ids.js';
import type { EntityManager } from 'typeorm';
import { firingColumns, firingView, type FiringRow } from '../schedules/firing.store.ts';
import type { Source } from '../schedules/ignition.ts';
import type { TriggerManifest } from './trigger.ts';

/** Triggers of one workspace: beyond, they are refused. */
const triggersMax = 1_000;

interface TriggerRow extends Omit<FiringRow, 'outcome'> {
  workspace: string;
  name: string;
  id: string;
  kind: TriggerKind;
  workflow: string;
  manifest: string;
  version: number;
  principal_name: string;
  grant_id: string;
  paused_at: Date | null;
  paused_reason: string | null;
  paused_by: string | null;
  created_at: Date;
  updated_at: Date;
  outcome: FiringRow['outcome'] | null;
}

/** A trigger as it stands. */
export interface StoredTrigger {
  view: TriggerView;
  manifest: TriggerManifest;
  source: Source;
}

const select = `SELECT t.*, ${firingColumns} FROM trigger t
  LEFT JOIN LATERAL (SELECT * FROM firing WHERE source = t.id ORDER BY time DESC, key DESC LIMIT 1) f ON true
  LEFT JOIN run r ON r.run_id = f.run_id`;

const hookSql = `${select} WHERE t.id = $1`;
const watchingSql = `${select} WHERE t.workspace = $1 AND t.watched = $2 AND t.paused_at IS NULL ORDER BY t.name`;
const listSql = `${select} WHERE t.workspace = $1 AND t.name > $2 AND ($3::text IS NULL OR t.workflow = $3) AND ($4::text IS NULL OR t.kind = $4)
            AND ($5 = '' OR strpos(lower(t.name || ' ' || t.workflow || ' ' || (t.manifest::json->>'metadata')), lower($5)) > 0)
          ORDER BY t.name LIMIT $6`;
const getSql = `${select} WHERE t.workspace = $1 AND t.name = $2`;

/** Rows of triggers, under row security of their workspace. */
@Injectable()
export class TriggerStore {
  constructor(private readonly db: WorkspaceDatabase) {}

  /** `not_found` when there is none of this name. */
  async get(workspace: string, name: string): Promise<StoredTrigger> {
    const found = await this.find(workspace, name);
    if (!found) throw unknownTrigger(name);
    return found;
  }

  find(workspace: string, name: string): Promise<StoredTrigger | null> {
    return this.db.inWorkspace(workspace, (tx) => find(tx, workspace, name));
  }

  /** The trigger of a hook (its UUID), whosever it is; null when there is none. */
  async findHook(uuid: string): Promise<StoredTrigger | null> {
    // Any workspace: the function sees past the wall, and gives no more than whose it is.
    const workspace = await this.db.inWorkspace(uuid, async (tx) => {
      const [row] = await tx.query<{ workspace: string | null }[]>(`SELECT find_hook($1) AS workspace`, [uuid]);
      return row?.workspace ?? null;
    });
    if (workspace === null) return null;
    const [found] = await this.db.inWorkspace(workspace, (tx) => tx.query<TriggerRow[]>(hookSql, [uuid]));
    return found ? storedOf(found) : null;
  }

  /** Triggers that hear of the ends of a workflow's runs, or of an event of this type. */
  async watching(workspace: string, watched: string): Promise<StoredTrigger[]> {
    const rows = await this.db.inWorkspace(workspace, (tx) => tx.query<TriggerRow[]>(watchingSql, [workspace, watched]));
    return rows.map(storedOf);
  }

  async list(
    workspace: string,
    filter: { limit?: number; cursor?: string; q?: string; workflow?: string; kind?: TriggerKind },
  ): Promise<{ data: TriggerView[]; nextCursor: string | null }> {
    const limit = filter.limit ?? pageLimitDefault;
    const after = filter.cursor === undefined ? '' : (decodeCursor(filter.cursor, 1)[0] as string);
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<TriggerRow[]>(listSql, [
        workspace,
        after,
        filter.workflow ?? null,
        filter.kind ?? null,
        filter.q ?? '',
        limit + 1,
      ]);
      return pageOf(
        rows,
        limit,
        ({ name }) => [name],
        (row) => storedOf(row).view,
      );
    });
  }

  /** Writes a trigger where `decide`, which sees what stands there and may refuse, says so. `written` runs in the same transaction. */
  apply(
    workspace: string,
    manifest: TriggerManifest,
    by: { name: string; grant: string },
    decide: (current: StoredTrigger | null) => boolean,
    written: (tx: EntityManager, version: number) => Promise<void>,
  ): Promise<StoredTrigger> {
    const { name } = manifest.metadata;
    return this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM trigger WHERE workspace = $1 AND name = $2 FOR UPDATE`, [workspace, name]);
      const current = await find(tx, workspace, name);
      if (!decide(current)) return current as StoredTrigger;
      if (current === null) await requireRoom(tx, workspace);
      const rows = await tx.query<{ version: number }[]>(
        `INSERT INTO trigger AS t (workspace, name, id, kind, watched, workflow, manifest, version, principal_name, grant_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9)
         ON CONFLICT (workspace, name) DO UPDATE SET kind = excluded.kind, watched = excluded.watched, workflow = excluded.workflow,
           manifest = excluded.manifest, version = t.version + 1, principal_name = excluded.principal_name, grant_id = excluded.grant_id,
           updated_at = now() WHERE t.version = $10
         RETURNING version`,
        [
          workspace,
          name,
          current?.source.id ?? newUuid(),
          kindOf(manifest),
          watchedBy(manifest),
          manifest.spec.workflow,
          JSON.stringify(manifest),
          by.name,
          by.grant,
          current?.view.version ?? 0,
        ],
      );
      const [row] = rows;
      if (!row) throw new Fault('conflict', `the trigger ${name} was changed in the same moment`, 'Read it again and repeat the change.');
      await written(tx, row.version);
      return (await find(tx, workspace, name)) as StoredTrigger;
    });
  }

  /** Pauses it (`paused`: why and by whom) or lets it go on (null). Unchanged when it is so already. */
  setPaused(
    workspace: string,
    name: string,
    paused: { reason: string | undefined; by: string } | null,
    written: (tx: EntityManager) => Promise<void>,
  ): Promise<StoredTrigger> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const [, count] = await tx.query<[unknown, number]>(
        `UPDATE trigger SET paused_at = CASE WHEN $3 THEN now() END, paused_reason = $4, paused_by = $5, version = version + 1, updated_at = now()
          WHERE workspace = $1 AND name = $2 AND (paused_at IS NOT NULL) <> $3`,
        [workspace, name, paused !== null, paused?.reason ?? null, paused?.by ?? null],
      );
      if (count > 0) await written(tx);
      const stored = await find(tx, workspace, name);
      if (!stored) throw unknownTrigger(name);
      return stored;
    });
  }

  /** Takes it and its history away. `not_found` when there is none. */
  async delete(workspace: string, name: string, written: (tx: EntityManager) => Promise<void>): Promise<void> {
    await this.db.inWorkspace(workspace, async (tx) => {
      const stored = await find(tx, workspace, name);
      if (!stored) throw unknownTrigger(name);
      await tx.query(`DELETE FROM trigger WHERE workspace = $1 AND name = $2`, [workspace, name]);
      await tx.query(`DELETE FROM firing WHERE source = $1`, [stored.source.id]);
      await written(tx);
    });
  }
}

/** What a trigger hears. */
export function kindOf({ spec }: TriggerManifest): TriggerKind {
  return spec.on.webhook ? 'webhook' : spec.on.event ? 'event' : 'runEnded';
}

/** What it listens to: a workflow's name, or an event's type, which no workflow can have. */
export function watchedBy({ spec }: TriggerManifest): string | null {
  return spec.on.runEnded?.workflow ?? spec.on.event?.type ?? null;
}

async function requireRoom(tx: EntityManager, workspace: string): Promise<void> {
  const [count] = await tx.query<{ n: number }[]>(`SELECT count(*)::int AS n FROM trigger WHERE workspace = $1`, [workspace]);
  if ((count?.n ?? 0) < triggersMax) return;
  throw new Fault('limited', `the workspace has ${triggersMax} triggers`, 'Delete those that are not needed any more.');
}

async function find(tx: EntityManager, workspace: string, name: string): Promise<StoredTrigger | null> {
  const [row] = await tx.query<TriggerRow[]>(getSql, [workspace, name]);
  return row ? storedOf(row) : null;
}

function unknownTrigger(name: string): Fault {
  return new Fault('not_found', `there is no trigger ${name}`, 'Apply its manifest, or look at the list of triggers.');
}

function storedOf(row: TriggerRow): StoredTrigger {
  const manifest = JSON.parse(row.manifest) as TriggerManifest;
  const labels = manifest.metadata.labels ?? {};
  const hook = row.kind === 'webhook' ? fromUuid('hook', row.id) : null;
  return {
    manifest,
    source: {
      workspace: row.workspace,
      id: row.id,
      kind: 'trigger',
      name: row.name,
      workflow: row.workflow,
      labels,
      priority: manifest.spec.priority,
      grant: row.grant_id,
      principalName: row.principal_name,
    },
    view: {
      name: row.name,
      description: manifest.metadata.description ?? null,
      labels,
      kind: row.kind,
      workflow: row.workflow,
      hook,
      watches: watchedBy(manifest),
      state: row.paused_at === null ? 'active' : 'paused',
      pausedReason: row.paused_reason,
      pausedBy: row.paused_by,
      last: row.outcome === null ? null : firingView({ ...row, outcome: row.outcome }),
      appliedBy: row.principal_name,
      version: row.version,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    },
  };
}
