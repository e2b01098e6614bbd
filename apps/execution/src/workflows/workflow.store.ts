import type { WorkflowView } from '@signalbox/shared/contracts/execution/workflow-view.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import type { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { EntityManager } from 'typeorm';
import type { Definition } from '@signalbox/workflow/language/definition.js';
import type { Definitions } from './definitions.ts';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';

interface WorkflowRow {
  name: string;
  hash: string;
  description: string | null;
  labels: Record<string, string>;
  steps: number;
  version: number;
  created_at: Date;
  updated_at: Date;
  manifest: string;
}

/** A workflow with its definition. */
export interface StoredWorkflow {
  view: WorkflowView;
  definition: Definition;
}

/** A name's definition is asked for again after this, so that what another replica applied is seen. */
const currentMs = 2_000;
const currentMax = 10_000;

/** Named workflows: each name points at the definition that new runs get. */
export class WorkflowStore {
  private readonly current = new Map<string, { definition: Definition | null; at: number }>();

  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly definitions: Definitions,
  ) {}

  /** The definition that a run of this name gets now; null when there is no such workflow. */
  async definitionOf(workspace: string, name: string): Promise<Definition | null> {
    const key = `${workspace} ${name}`;
    const known = this.current.get(key);
    if (known && performance.now() - known.at < currentMs) return known.definition;
    const found = await this.db.inWorkspace(workspace, (tx) => find(tx, name));
    if (this.current.size >= currentMax) this.current.clear();
    const definition = found?.definition ?? null;
    this.current.set(key, { definition, at: performance.now() });
    return definition;
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
    decide: (current: StoredWorkflow | null) => 'created' | 'updated' | 'unchanged',
    written: (tx: EntityManager, action: 'created' | 'updated', version: number) => Promise<void>,
  ): Promise<{ action: 'created' | 'updated' | 'unchanged'; workflow: StoredWorkflow }> {
    const { manifest, hash } = definition;
    const { name, description, labels } = manifest.metadata;
    const result = await this.db.inWorkspace(workspace, async (tx) => {
      await tx.query(`SELECT 1 FROM workflow WHERE name = $1 FOR UPDATE`, [name]);
      const current = await find(tx, name);
      const action = decide(current);
      if (action === 'unchanged' && current) return { action, workflow: current };
      await this.definitions.store(tx, workspace, definition);
      const rows = await tx.query<{ version: number }[]>(
        `INSERT INTO workflow AS w (workspace, name, hash, description, labels, steps, version) VALUES ($1, $2, $3, $4, $5, $6, 1)
         ON CONFLICT (workspace, name) DO UPDATE SET hash = excluded.hash, description = excluded.description, labels = excluded.labels,
           steps = excluded.steps, version = w.version + 1, updated_at = now() WHERE w.version = $7
         RETURNING version`,
        [
          workspace,
          name,
          hash,
          description ?? null,
          JSON.stringify(labels ?? {}),
          Object.keys(manifest.spec.steps).length,
          current?.view.version ?? 0,
        ],
      );
      const [row] = rows;
      if (!row) throw new Fault('conflict', `the workflow ${name} was changed in the same moment`, 'Read it again and repeat the change.');
      await written(tx, action === 'created' ? 'created' : 'updated', row.version);
      return { action, workflow: (await find(tx, name)) as StoredWorkflow };
    });
    this.current.delete(`${workspace} ${name}`);
    this.definitions.remember(workspace, hash);
    return result;
  }

  /** Takes the name away; false when it is not there. `written` runs in the same transaction. */
  async delete(workspace: string, name: string, written: (tx: EntityManager) => Promise<void>): Promise<boolean> {
    const isDeleted = await this.db.inWorkspace(workspace, async (tx) => {
      const [, count] = await tx.query<[unknown, number]>(`DELETE FROM workflow WHERE workspace = $1 AND name = $2`, [workspace, name]);
      if (count > 0) await written(tx);
      return count > 0;
    });
    this.current.delete(`${workspace} ${name}`);
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

function storedOf(row: WorkflowRow): StoredWorkflow {
  const manifest = JSON.parse(row.manifest) as WorkflowManifest;
  // Labels and description may change without the definition: the row has those that count.
  const metadata = {
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(Object.keys(row.labels).length > 0 && { labels: row.labels }),
  };
  return {
    definition: { hash: row.hash, manifest: { ...manifest, metadata } },
    view: {
      name: row.name,
      description: row.description,
      labels: row.labels,
      hash: row.hash,
      version: row.version,
      steps: row.steps,
      input: manifest.spec.input ?? null,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    },
  };
}
