import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Graph } from '@signalbox/workflow/core/graph.js';
import type { Queryable } from '../journal/journal-reader.ts';
import { upgradesIn, type Graphs as Upgrades } from '@signalbox/workflow/core/apply.js';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { restore } from '@signalbox/workflow/core/restore.js';
import type { RunState } from '@signalbox/workflow/core/state.js';
import { Graphs, type Definition } from '@signalbox/workflow/language/definition.js';
import { retentionOf } from '@signalbox/workflow/language/retention.js';
import type { WorkflowManifest } from '@signalbox/workflow/language/manifest.js';

/** Definitions known to be stored, by workspace and hash: more than these are asked for again. */
const storedMax = 10_000;
const rememberedMax = 2_000;

/** The definitions that runs are pinned to. */
export class Definitions {
  private readonly graphs = new Graphs();
  private readonly stored = new Set<string>();
  private readonly remembered = new Map<string, Definition>();

  /** The graph of a stored definition. */
  async graphOf(db: Queryable, workspace: string, hash: string): Promise<Graph> {
    return this.graphs.find(hash) ?? this.graphs.of(await this.read(db, workspace, hash));
  }

  /** A run as its journal tells it. `hash`: of the definition that it began with. */
  async restore(db: Queryable, workspace: string, run: string, hash: string, transitions: readonly Transition[]): Promise<RunState> {
    const { first, later } = await this.graphsOf(db, workspace, hash, transitions);
    return restore(run, first, transitions, later);
  }

  /** The graph that a run began with, and those that it went over to. */
  async graphsOf(
    db: Queryable,
    workspace: string,
    hash: string,
    transitions: readonly Transition[],
  ): Promise<{ first: Graph; later: Upgrades }> {
    return { first: await this.graphOf(db, workspace, hash), later: await this.graphsIn(db, workspace, transitions) };
  }

  /** What a run went over to, by hash. */
  async graphsIn(db: Queryable, workspace: string, transitions: readonly Transition[]): Promise<Upgrades> {
    const graphs = new Map<string, Graph>();
    for (const hash of upgradesIn(transitions)) graphs.set(hash, await this.graphOf(db, workspace, hash));
    return graphs;
  }

  /** A stored definition, with as little reading as there can be: what never changes is remembered while it is asked for. */
  async known(db: Queryable, workspace: string, hash: string): Promise<Definition> {
    const key = `${workspace} ${hash}`;
    const known = this.remembered.get(key);
    if (known !== undefined) return known;
    const definition = await this.read(db, workspace, hash);
    if (this.remembered.size >= rememberedMax) this.remembered.clear();
    this.remembered.set(key, definition);
    return definition;
  }

  /** A stored definition. */
  async read(db: Queryable, workspace: string, hash: string): Promise<Definition> {
    const found = await this.find(db, workspace, hash);
    if (found === null)
      throw new Fault('internal', `the definition ${hash} of a run is missing`, 'Restore the table definition from a backup.');
    return found;
  }

  /** A stored definition; null where the workspace has none of this hash. */
  async find(db: Queryable, workspace: string, hash: string): Promise<Definition | null> {
    const rows = await db.query<{ manifest: string }[]>(`SELECT manifest FROM definition WHERE workspace = $1 AND hash = $2`, [
      workspace,
      hash,
    ]);
    const [row] = rows;
    return row === undefined ? null : { hash, manifest: JSON.parse(row.manifest) as WorkflowManifest };
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
