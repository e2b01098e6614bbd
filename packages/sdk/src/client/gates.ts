import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import type { Stage } from './stages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** What one metric must reach; all that is said must hold. */
export interface GateMetric {
  metric: string;
  min?: number;
  max?: number;
  /** How far it may lie above that of the version at the stage now, as a share of it: 0.1 is a tenth. */
  maxRise?: number;
  maxFall?: number;
  /** Beside these two: a difference that means nothing, in the metric's own unit. */
  slack?: number;
}

/** `spec` of a manifest of kind Gate. */
export interface GateSpec {
  stages: Stage[];
  /** Absent: every agent. */
  agents?: string[];
  /** The gate that it stands in for, where it applies. */
  replaces?: string;
  metrics: GateMetric[];
  approvals?: { count: number; roles: string[] };
  /** How old evidence and approvals may be; 30 if absent. */
  evidenceDays?: number;
}

/** What a version of an agent needs to get to a stage. */
export interface Gate extends GateSpec {
  name: string;
  description: string;
  labels: Labels;
  evidenceDays: number;
  /** Whether it is there without anybody having applied it. */
  builtIn: boolean;
  version: number;
  updatedAt?: string;
}

export interface GateQuery extends ListQuery {
  /** Only built-in gates, or only others. */
  builtIn?: boolean | undefined;
}

/** `/gates`: what versions of agents need to get to a stage. */
export class Gates {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** Those that count, the built-in ones with them, by name. */
  list(query: GateQuery = {}, options: RequestOptions = {}): Pages<Gate> {
    return new Pages(this.#http, '/gates', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<Gate & { manifest: Manifest<GateSpec> }> {
    return this.#http.json({ method: 'GET', path: path`/gates/${name}`, ...options });
  }

  /** Creates or replaces the gate; one named like a built-in gate takes its place. */
  apply(manifest: Manifest<GateSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Gate>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/gates/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  /** Takes it away; a built-in gate of that name is there again. */
  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/gates/${name}`, ...options });
  }
}
