import { Pages } from './pages.ts';
import type { ListQuery, Page } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** `runs`: what workflows name under `spec.limits`; `limit`: what their steps do; the others are queues of who or what does the work. */
export type LimitKind = 'runs' | 'limit' | 'agent' | 'model' | 'tool' | 'artifact' | 'state';

/** How often one may begin: `max` in `perMs` milliseconds, of which `burst` at once. */
export interface LimitRate {
  max: number;
  perMs: number;
  burst: number;
  /** How many may begin now. */
  left: number;
  /** When the next may; null: now. */
  nextAt: string | null;
}

/** Who has a place. */
export interface LimitHolder {
  run: string;
  /** Empty: the run as a whole. */
  step: string;
  instance: string | null;
  since: string | null;
}

/** A limit, or a queue, as it stands. */
export interface Limit {
  kind: LimitKind;
  /** The limit's name, the agent, the model or the server; empty for artifacts. */
  name: string;
  /** Of a limit, which one of its name; empty: the one for all. Null for queues. */
  key: string | null;
  /** Null: as many as there are. */
  concurrency: number | null;
  rate: LimitRate | null;
  waiting: number;
  running: number;
  /** Since when the one that has waited longest waits. */
  oldestAt: string | null;
  /** At most ten. */
  holders: LimitHolder[];
}

export interface LimitQuery extends ListQuery {
  kind?: LimitKind | undefined;
  /** Only those that something waits for. */
  waiting?: boolean | undefined;
}

export interface LimitPage extends Page<Limit> {
  /** What agents by HTTP, A2A and MCP, models, tools and artifacts have under way together: of all workspaces `places`, of one `most`. */
  calls: { places: number; most: number; running: number };
  /** Replicas that did not answer: what they keep is not here. */
  missing: number;
}

/** `/limits`: limits and queues as they stand now. */
export class Limits {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** By kind and name. */
  list(query: LimitQuery = {}, options: RequestOptions = {}): Pages<Limit> {
    return new Pages(this.#http, '/limits', query, options);
  }

  /** One page, with what the workspace has of all calls. */
  page(query: LimitQuery = {}, options: RequestOptions = {}): Promise<LimitPage> {
    return this.#http.json({ method: 'GET', path: '/limits', query: { ...query }, ...options });
  }
}
