import type { WorkflowView } from '@signalbox/shared/contracts/execution/workflow-view.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import type { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { EntityManager } from 'typeorm';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import type { Definitions } from './definitions.ts';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import { scaleBackOf } from '@signalbox/workflow/language/scale-back.js';

/** A workflow as it is stored, with its definition. */
export interface WorkflowRow {
  name: string;
  hash: string;
  description: string | null;
  labels: Record<string, string>;
  steps: number;
  version: number;
  created_at: Date;
  updated_at: Date;
  scaled_at: Date | null;
  scaled_how: 'auto' | 'hand' | null;
  scaled_because: string | null;
  scaled_by: string | null;
  manifest: string;
}

/** A workflow with its definition. */
export interface StoredWorkflow {
  view: WorkflowView;
  definition: Definition;
}

/** What a start of a workflow gets: it, or while capacity is short the smaller one that it names. */
export interface Startable {
  definition: Definition;
  smaller?: { definition: Definition; because: string };
}

/** A name's definition is asked for again after this, so that what another replica applied is seen. */
const currentMs = 2_000;
const currentMax = 10_000;

/** Named workflows: each name points at the definition that new runs get. */
export class WorkflowStore {
  private readonly current = new Map<string, { stored: StoredWorkflow | null; at: number }>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly definitions: Definitions,
  ) {}

  /** The definition that a run of this name gets now; null when there is no such workflow. */
  async definitionOf(workspace: string, name: string): Promise<Definition | null> {
    return (await this.currentOf(workspace, name))?.definition ?? null;
  }

  /** The same, with the smaller one where new runs get that. A smaller one that is not there, or is scaled back itself, is not gone further than that. */
  async startable(workspace: string, name: string): Promise<Startable | null> {
    const stored = await this.currentOf(workspace, name);
    if (stored === null) return null;
    const { definition, view } = stored;
    const active = view.scaleBack?.active;
    const smaller = active && (await this.definitionOf(workspace, view.scaleBack?.to as string));
    return smaller ? { definition, smaller: { definition: smaller, because: active.because } } : { definition };
  }

  /** It was changed here: the next look is a new one. */
  forget(workspace: string, name: string): void {
    this.current.delete(`${workspace} ${name}`);
  }

  private async currentOf(workspace: string, name: string): Promise<StoredWorkflow | null> {
    const key = `${workspace} ${name}`;
    const known = this.current.get(key);
    if (known && performance.now() - known.at < currentMs) return known.stored;
    const stored = await this.db.inWorkspace(workspace, (tx) => find(tx, name));
    if (this.current.size >= currentMax) this.current.clear();
    this.current.set(key, { stored, at: performance.now() });
    return stored;
  }

  async get(workspace: string, name: string): Promise<StoredWorkflow | null> {
    return this.db.inWorkspace(workspace, (tx) => find(tx, name));
  }

  async list(
    workspace: string,
    filter: { limit?: number; cursor?: string; q?: string },
  ): Promise<{ data: WorkflowView[]; nextCursor: string | null }> {
    const limit = filter.limit ?? pageLimitDefault;
    const after = filter.cursor === undefined ? '' : (decodeCursor(filter.cursor, 1)[0] as string);
    return this.db.inWorkspace(workspace, async (tx) => {
      const rows = await tx.query<WorkflowRow[]>(
        `SELECT w.*, d.manifest FROM workflow w JOIN definition d ON d.workspace = w.workspace AND d.hash = w.hash
          WHERE w.workspace = $1 AND w.name > $2
            AND ($3 = '' OR strpos(lower(w.name || ' ' || coalesce(w.description, '') || ' ' || w.labels::text), lower($3)) > 0)
          ORDER BY w.name LIMIT $4`,
        [workspace, after, filter.q ?? '', limit + 1],
      );
      return pageOf(
        rows,
        limit,
        ({ name }) => [name],
        (row) => storedOf(row).view,
      );
    });
  }

  /**
   * Points the name at a definition. `decide` sees what stands there, and may refuse; `written` runs in the same transaction. Not written when
   * it is the same.
   */
  async apply(
    workspace: string,
    definition: Definition,
    /** With whose rights it is looked whether capacity is short, where the workflow names a smaller one. */
    grant: string | null,
    decide: (current: StoredWorkflow | null) => 'created' | 'updated' | 'unchanged',
    written: (tx: EntityManager, action: 'created' | 'updated', version: number) => Promise<void>,
  ): Promise<{ action: 'created' | 'updated' | 'unchanged'; workflow: StoredWorkflow }> {
    const { manifest, hash } = definition;
    const { name, description, labels } = manifest.metadata;
    const result = await this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM workflow WHERE name = $1 FOR UPDATE`, [name]);
      const current = await find(tx, name);
      const action = decide(current);
      if (action === 'unchanged' && current) {
        if (grant !== null) await tx.query(`UPDATE workflow SET scale_grant = $2 WHERE name = $1 AND scale_grant <> $2`, [name, grant]);
        return { action, workflow: current };
      }
      await this.definitions.store(tx, workspace, definition);
      const rows = await tx.query<{ version: number }[]>(
        `INSERT INTO workflow AS w (workspace, name, hash, description, labels, steps, version, scale_to, scale_grant)
         VALUES ($1, $2, $3, $4, $5, $6, 1, $8, $9)
         ON CONFLICT (workspace, name) DO UPDATE SET hash = excluded.hash, description = excluded.description, labels = excluded.labels,
           steps = excluded.steps, scale_to = excluded.scale_to, scale_grant = excluded.scale_grant, version = w.version + 1, updated_at = now() WHERE w.version = $7
         RETURNING version`,
        [
          workspace,
          name,
          hash,
          description ?? null,
          JSON.stringify(labels ?? {}),
          Object.keys(manifest.spec.steps).length,
          current?.view.version ?? 0,
          manifest.spec.scaleBack?.to ?? null,
          grant,
        ],
      );
      const [row] = rows;
      if (!row) throw new Fault('conflict', `the workflow ${name} was changed in the same moment`, 'Read it again and repeat the change.');
      await written(tx, action === 'created' ? 'created' : 'updated', row.version);
      return { action, workflow: (await find(tx, name)) as StoredWorkflow };
    });
    this.forget(workspace, name);
    this.definitions.remember(workspace, hash);
    return result;
  }

  /** Takes the name away; false when it is not there. `written` runs in the same transaction. */
  async delete(workspace: string, name: string, written: (tx: EntityManager) => Promise<void>): Promise<boolean> {
    const isDeleted = await this.db.inWorkspace(workspace, async (tx) => {
      const [, count] = await tx.query<[unknown, number]>(`DELETE FROM workflow WHERE workspace = $1 AND name = $2`, [workspace, name]);
      await tx.query(`DELETE FROM workflow_version WHERE workspace = $1 AND name = $2`, [workspace, name]);
      if (count > 0) await written(tx);
      return count > 0;
    });
    this.forget(workspace, name);
    return isDeleted;
  }
}

async function find(tx: EntityManager, name: string): Promise<StoredWorkflow | null> {
  const [row] = await tx.query<WorkflowRow[]>(
    `SELECT w.*, d.manifest FROM workflow w JOIN definition d ON d.workspace = w.workspace AND d.hash = w.hash WHERE w.name = $1`,
    [name],
  );
  return row ? storedOf(row) : null;
}

/** What a workflow says of its smaller one, and whether new runs get that. */
export function scaleBackView(
  spec: WorkflowManifest['spec'],
  row?: Pick<WorkflowRow, 'scaled_at' | 'scaled_how' | 'scaled_because' | 'scaled_by'>,
): Pick<WorkflowView, 'scaleBack'> {
  const policy = scaleBackOf(spec);
  if (policy === undefined) return {};
  const { to, afterMs, restoreMs, waitOverMs = null, agents } = policy;
  const { scaled_at: since = null, scaled_how: how, scaled_because: because, scaled_by: by } = row ?? {};
  const active = since && { since: since.toISOString(), how: how ?? 'auto', because: because ?? '', by: by ?? '' };
  return { scaleBack: { to, afterMs, restoreMs, waitOverMs, agents: agents ? [...agents] : null, active } };
}

/** The manifest of a row with its definition. Labels and description may change without the definition: the row has those that count. */
export function manifestOf(row: Pick<WorkflowRow, 'name' | 'description' | 'labels' | 'manifest'>): WorkflowManifest {
  const metadata = {
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(Object.keys(row.labels).length > 0 && { labels: row.labels }),
  };
  return { ...(JSON.parse(row.manifest) as WorkflowManifest), metadata };
}

function storedOf(row: WorkflowRow): StoredWorkflow {
  const manifest = manifestOf(row);
  return {
    definition: { hash: row.hash, manifest },
    view: {
      name: row.name,
      description: row.description,
      labels: row.labels,
      hash: row.hash,
      version: row.version,
      steps: row.steps,
      input: manifest.spec.input ?? null,
      ...scaleBackView(manifest.spec, row),
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    },
  };
}
