import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';
import type { Graph } from '../core/graph.ts';
import { compileWorkflow } from './compile.ts';
import type { WorkflowManifest } from './manifest.ts';

/** What a run keeps of a workflow: never changed, known by its hash. */
export interface Definition {
  hash: string;
  manifest: WorkflowManifest;
}

/** The definition of a manifest: name and specification count, labels and description do not. */
export function definitionOf(manifest: WorkflowManifest): Definition {
  const content = { apiVersion: manifest.apiVersion, kind: manifest.kind, name: manifest.metadata.name, spec: manifest.spec };
  const text = canonicalize(content) as unknown as string;
  return { hash: `sha256:${createHash('sha256').update(text).digest('hex')}`, manifest };
}

/** Compiled graphs kept; the least recently used goes first. */
const graphsMax = 1_000;

/** Compiles definitions once. By hash alone: the same definition is the same graph in every workspace. */
export class Graphs {
  private readonly known = new Map<string, Graph>();

  of(definition: Definition): Graph {
    const known = this.known.get(definition.hash);
    if (known) {
      this.known.delete(definition.hash);
      this.known.set(definition.hash, known);
      return known;
    }
    const graph = compileWorkflow(definition.manifest, definition.hash);
    this.known.set(definition.hash, graph);
    if (this.known.size > graphsMax) {
      for (const oldest of this.known.keys()) {
        this.known.delete(oldest);
        break;
      }
    }
    return graph;
  }

  find(hash: string): Graph | undefined {
    return this.known.get(hash);
  }
}
