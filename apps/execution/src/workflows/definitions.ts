import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import type { Queryable } from '../journal/journal-reader.ts';
import { Graphs, type Definition } from '@signalbox/workflow/language/definition.js';
import { retentionOf } from '@signalbox/workflow/language/retention.js';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';

/** Definitions known to be stored, by workspace and hash: more than these are asked for again. */
const storedMax = 10_000;

/** The definitions that runs are pinned to. */
export class Definitions {
  private readonly graphs = new Graphs();
  private readonly stored = new Set<string>();

  /** The graph of a stored definition. */
  async graphOf(db: Queryable, workspace: string, hash: string): Promise<Graph> {
    return this.graphs.find(hash) ?? this.graphs.of(await this.read(db, workspace, hash));
  }

  /** A stored definition. */
  async read(db: Queryable, workspace: string, hash: string): Promise<Definition> {
    const rows = await db.query<{ manifest: string }[]>(`SELECT manifest FROM definition WHERE workspace = $1 AND hash = $2`, [
      workspace,
      hash,
    ]);
    const [row] = rows;
    if (!row) throw new Fault('internal', `the definition ${hash} of a run is missing`, 'Restore the table definition from a backup.');
    return { hash, manifest: JSON.parse(row.manifest) as WorkflowManifest };
  }

  /** The graph of a definition that was asked for a moment ago. */
  known(hash: string): Graph {
    const graph = this.graphs.find(hash);
    if (!graph) throw new Error(`the definition ${hash} is not compiled`);
    return graph;
  }

  /** Compiles a definition. `invalid` when it cannot be. */
  compile(definition: Definition): Graph {
    return this.graphs.of(definition);
  }

  isStored(workspace: string, hash: string): boolean {
    return this.stored.has(`${workspace} ${hash}`);
  }

  /** Writes a definition unless it is there. */
  async store(db: Queryable, workspace: string, { hash, manifest }: Definition): Promise<void> {
    await db.query(`INSERT INTO definition (workspace, hash, manifest, retention) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, [
      workspace,
      hash,
      JSON.stringify(manifest),
      retentionOf(manifest.spec) ?? null,
    ]);
  }

  /** Called after the commit of `store`. */
  remember(workspace: string, hash: string): void {
    if (this.stored.size >= storedMax) this.stored.clear();
    this.stored.add(`${workspace} ${hash}`);
  }
}
