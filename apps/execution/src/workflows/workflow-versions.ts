import type { WorkflowVersion } from '@signalbox/shared/contracts/execution/list-workflow-versions.js';
import { decodePosition, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';
import type { EntityManager } from 'typeorm';
import { unknownWorkflow } from './unknown-workflow.ts';
import { manifestOf, type WorkflowRow } from './workflow.store.ts';

/** Versions that are kept of one workflow. */
const keptMax = 200;

interface VersionRow {
  version: number;
  hash: string;
  steps: number;
  reverted_to: number | null;
  created_by: string;
  created_at: Date;
  is_current: boolean;
}

/** What a workflow was once. */
export interface EarlierVersion {
  version: number;
  manifest: WorkflowManifest;
}

/** Writes down what a workflow is now, as its row has it, and drops what is older than the last that are kept. */
export async function recordVersion(
  tx: EntityManager,
  workspace: string,
  name: string,
  { by, revertedTo }: { by: string; revertedTo?: number | undefined },
): Promise<void> {
  await tx.query(
    `INSERT INTO workflow_version (workspace, name, version, hash, description, labels, steps, reverted_to, created_by)
     SELECT workspace, name, version, hash, description, labels, steps, $3, $4 FROM workflow WHERE workspace = $1 AND name = $2`,
    [workspace, name, revertedTo ?? null, by],
  );
  await tx.query(
    `DELETE FROM workflow_version v USING workflow w
      WHERE w.workspace = $1 AND w.name = $2 AND v.workspace = $1 AND v.name = $2 AND v.version <= w.version - $3`,
    [workspace, name, keptMax],
  );
}

/** The newest version with this number or this hash. `not_found` where none is kept. */
export async function earlierVersion(
  tx: EntityManager,
  name: string,
  { version, hash }: { version?: number | undefined; hash?: string | undefined },
): Promise<EarlierVersion> {
  const [row] = await tx.query<Pick<WorkflowRow, 'name' | 'version' | 'description' | 'labels' | 'manifest'>[]>(
    `SELECT v.name, v.version, v.description, v.labels, d.manifest
       FROM workflow_version v JOIN definition d ON d.workspace = v.workspace AND d.hash = v.hash
      WHERE v.name = $1 AND ($2::int IS NULL OR v.version = $2) AND ($3::text IS NULL OR v.hash = $3)
      ORDER BY v.version DESC LIMIT 1`,
    [name, version ?? null, hash ?? null],
  );
  if (row === undefined) {
    const known = await tx.query<unknown[]>(`SELECT 1 FROM workflow WHERE name = $1`, [name]);
    if (known.length === 0) throw unknownWorkflow(name);
    const which = version === undefined ? `the hash ${hash}` : `version ${version}`;
    throw new Fault('not_found', `no workflow ${name} of ${which} is kept`, `Which there are: signalbox workflow versions ${name}`);
  }
  return { version: row.version, manifest: manifestOf(row) };
}

/** A page of what a workflow was, the newest first. */
export async function listVersions(
  tx: EntityManager,
  name: string,
  filter: { limit?: number; cursor?: string; q?: string },
): Promise<{ data: WorkflowVersion[]; nextCursor: string | null }> {
  const limit = filter.limit ?? pageLimitDefault;
  const before = filter.cursor === undefined ? null : decodePosition(filter.cursor);
  const rows = await tx.query<VersionRow[]>(
    `SELECT v.version, v.hash, v.steps, v.reverted_to, v.created_by, v.created_at, v.version = w.version AS is_current
       FROM workflow w JOIN workflow_version v ON v.workspace = w.workspace AND v.name = w.name
      WHERE w.name = $1 AND ($2::int IS NULL OR v.version < $2)
        AND ($4 = '' OR strpos(lower(v.hash || ' ' || v.created_by), lower($4)) > 0)
      ORDER BY v.version DESC LIMIT $3`,
    [name, before, limit + 1, filter.q ?? ''],
  );
  return pageOf(rows, limit, ({ version }) => [version], versionView);
}

function versionView({
  version,
  hash,
  steps,
  reverted_to: revertedTo,
  created_by: createdBy,
  created_at,
  is_current,
}: VersionRow): WorkflowVersion {
  return {
    version,
    hash,
    current: is_current,
    steps,
    ...(revertedTo !== null && { revertedTo }),
    createdBy,
    createdAt: created_at.toISOString(),
  };
}
