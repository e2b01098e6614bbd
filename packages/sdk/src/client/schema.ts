import type { Rollout } from './rollouts.ts';

/** A JSON Schema, as it stands in a manifest or a catalogue. */
export type JsonSchema = Record<string, unknown>;

export type Labels = Record<string, string>;

/** One skill of an agent. */
export interface Skill {
  name: string;
  description?: string;
  inputSchema?: JsonSchema;
  outputSchema?: JsonSchema;
}

/** What went wrong in a run, a step or an attempt. */
export interface RunError {
  code: string;
  detail: string;
  next?: string;
}

/** One change between a manifest and what stands: `path` is dotted, `from` is absent for what is new, `to` for what is removed. */
export interface Change {
  path: string;
  from?: unknown;
  to?: unknown;
}

/** The answer to applying a manifest. */
export interface Applied<Resource = unknown> {
  action: 'created' | 'updated' | 'unchanged';
  changes: Change[];
  resource: Resource;
  /** Of an agent: its new version does not become the current one at once, or the same content is on its way or was rolled back. */
  rollout?: Rollout;
}

/** A manifest of any kind. */
export interface Manifest<Spec = unknown> {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Labels; description?: string };
  spec: Spec;
}

/** How a manifest is applied. */
export interface ApplyQuery {
  /** Only says what would change. */
  dryRun?: boolean | undefined;
}
