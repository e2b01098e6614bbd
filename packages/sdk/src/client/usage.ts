import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** Sums of what attempts told that they used. */
export interface UsageSums {
  /** Attempts that told it. */
  attempts: number;
  inputTokens: number;
  outputTokens: number;
  /** US dollars. */
  costUsd: number;
}

/** What was used in one bucket by one group. */
export interface UsageRow extends UsageSums {
  /** When its bucket begins; null: no bucket was asked for. */
  at: string | null;
  /** Null where it is not asked for. */
  workflow: string | null;
  /** Empty: no agent was asked, but a model or a tool. */
  agent: string | null;
  /** Empty: no model was asked by Signalbox itself. */
  model: string | null;
}

export type UsageBucket = 'hour' | 'day' | 'month';
export type UsageGroup = 'workflow' | 'agent' | 'model';

export interface UsageQuery extends ListQuery {
  /** ISO 8601, taken to whole hours; 30 days before `to` if absent. */
  from?: string | undefined;
  /** Now if absent; at most 100 days after `from`. */
  to?: string | undefined;
  /** Each hour, day or month for itself (UTC). */
  bucket?: UsageBucket | undefined;
  /** Each of these for itself, by commas: `workflow,model`. */
  by?: string | undefined;
  workflow?: string | undefined;
  agent?: string | undefined;
  model?: string | undefined;
}

export interface UsagePage {
  data: UsageRow[];
  nextCursor: string | null;
  /** Of all rows, not of this page alone. */
  total: UsageSums;
  /** The window in whole hours: from the first, up to the second without it. */
  from: string;
  to: string;
}

/** `/usage`: tokens and cost. */
export class Usage {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** Rows by time and name. */
  list(query: UsageQuery = {}, options: RequestOptions = {}): Pages<UsageRow> {
    return new Pages(this.#http, '/usage', query, options);
  }

  /** One page, with the sum of all rows. */
  page(query: UsageQuery = {}, options: RequestOptions = {}): Promise<UsagePage> {
    return this.#http.json({ method: 'GET', path: '/usage', query: { ...query }, ...options });
  }
}
