import type { KpiName } from './kpis.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** `spec` of a manifest of kind Objective. */
export interface ObjectiveSpec {
  kpi: KpiName;
  /** Absent: the whole workspace. */
  agent?: string;
  /** Milliseconds, a ratio, or a share from 0 to 1. */
  target: number;
  /** Of durations and ratios: the share that must lie within the target; 0.95 if absent. */
  within?: number;
}

/** What a KPI is to be. */
export interface Objective extends ObjectiveSpec {
  name: string;
  description: string;
  labels: Labels;
  version: number;
  updatedAt?: string;
}

/** `/objectives`: targets of KPIs that take the place of the product's own. */
export class Objectives {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Objective> {
    return new Pages(this.#http, '/objectives', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<Objective & { manifest: Manifest<ObjectiveSpec> }> {
    return this.#http.json({ method: 'GET', path: path`/objectives/${name}`, ...options });
  }

  apply(manifest: Manifest<ObjectiveSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Objective>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/objectives/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  /** Takes it away; what the product promises counts again. */
  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/objectives/${name}`, ...options });
  }
}
