import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Firing, FiringQuery } from './schedules.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import { ifMatch, path } from './transport.ts';
import type { ApplyOptions, RequestOptions, Transport } from './transport.ts';

export interface Trigger {
  name: string;
  description: string | null;
  labels: Labels;
  kind: 'webhook' | 'runEnded' | 'event';
  workflow: string;
  /** Of a webhook: it is called at `/api/v1/hooks/{hook}`. */
  hook: string | null;
  /** The workflow whose runs' ends it hears of, or the type of the event. */
  watches: string | null;
  state: 'active' | 'paused';
  pausedReason: string | null;
  pausedBy: string | null;
  /** What became of the newest event. */
  last: Firing | null;
  /** Whose rights its runs have. */
  appliedBy: string;
  version: number;
  createdAt: string;
  updatedAt: string;
}

/** What happens in Signalbox that a trigger can hear. */
export type HeardEvent =
  | 'deployment.changed'
  | 'agent.changed'
  | 'stage.changed'
  | 'rollout.changed'
  | 'eval.ended'
  | 'incident.changed'
  | 'kpi.changed'
  | 'mcp-server.changed';

/** `spec` of a manifest of kind Trigger. */
export interface TriggerSpec {
  workflow: string;
  /** How urgent its runs are, from 1 (goes first) to 5; as the workflow says if absent. */
  priority?: number;
  /** With expressions over `event`. */
  input?: unknown;
  /** An expression over `event`: where it is false, nothing is started. */
  if?: string;
  on: {
    webhook?: { secret: string; signature?: 'signalbox' | 'github'; ratePerMinute?: number };
    runEnded?: { workflow: string; status?: ('succeeded' | 'failed' | 'cancelled')[] };
    event?: { type: HeardEvent; ratePerMinute?: number };
  };
}

/** One trigger, with its manifest. */
export interface TriggerDetail extends Trigger {
  manifest: Manifest<TriggerSpec>;
}

/** What narrows a list of triggers. */
export interface TriggerQuery extends ListQuery {
  workflow?: string | undefined;
  kind?: Trigger['kind'] | undefined;
}

/** `/triggers`: workflows that are started when something happens. */
export class Triggers {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: TriggerQuery = {}, options: RequestOptions = {}): Pages<Trigger> {
    return new Pages(this.#http, '/triggers', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<TriggerDetail> {
    return this.#http.json({ method: 'GET', path: path`/triggers/${name}`, ...options });
  }

  /** From then on its runs have the caller's rights. */
  apply(
    manifest: Manifest<TriggerSpec>,
    query: ApplyQuery = {},
    { expectedVersion, ...options }: ApplyOptions = {},
  ): Promise<Applied<Trigger>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/triggers/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...ifMatch(expectedVersion),
      ...options,
    });
  }

  /** Takes it and its history away; its runs go on and stay. */
  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/triggers/${name}`, ...options });
  }

  pause(name: string, reason?: string, options: RequestOptions = {}): Promise<Trigger> {
    return this.#http.json({ method: 'POST', path: path`/triggers/${name}/pause`, body: { reason }, ...options });
  }

  resume(name: string, options: RequestOptions = {}): Promise<Trigger> {
    return this.#http.json({ method: 'POST', path: path`/triggers/${name}/resume`, ...options });
  }

  /** What it was called for and what it started, the newest first. */
  firings(name: string, query: FiringQuery = {}, options: RequestOptions = {}): Pages<Firing> {
    return new Pages(this.#http, path`/triggers/${name}/firings`, query, options);
  }
}
