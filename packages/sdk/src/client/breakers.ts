import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** The circuit breaker of one target that is called. */
export interface Breaker {
  /** `agent/NAME`, or `mcp-server/NAME` for tools that are called without an agent. */
  target: string;
  agent?: string;
  state: BreakerState;
  version: number;
  since: string;
  /** When an open one lets a call through to try. */
  retryAt?: string;
  reason?: string;
}

export interface BreakerQuery extends ListQuery {
  state?: BreakerState | undefined;
}

/** `/breakers`: those that ever opened; a target that is not listed is closed. */
export class Breakers {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: BreakerQuery = {}, options: RequestOptions = {}): Pages<Breaker> {
    return new Pages(this.#http, '/breakers', query, options);
  }
}
