import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** One link of the chained record of who did what. */
export interface AuditEntry {
  id: string;
  /** Its place in the workspace's chain, without gaps. */
  seq: number;
  at: string;
  service: string;
  principal: string;
  name: string;
  /** `agent.apply`. */
  action: string;
  target: string;
  outcome: 'allowed' | 'denied';
  detail?: Record<string, unknown>;
  hash: string;
}

export interface AuditQuery extends ListQuery {
  principal?: string | undefined;
  /** `agent.apply`, or `agent.*`. */
  action?: string | undefined;
  outcome?: AuditEntry['outcome'] | undefined;
  since?: string | undefined;
  until?: string | undefined;
}

/** Whether the chain is whole. */
export interface AuditVerification {
  intact: boolean;
  /** Signed places of the chain, noted outside the database, that it was compared with. */
  checkpoints: number;
  entries: number;
  /** Hash of the last entry; empty: there is none. */
  head: string;
  brokenAt?: number;
  because?: string;
}

/** `/audit`: who did what. For administrators. */
export class Audit {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: AuditQuery = {}, options: RequestOptions = {}): Pages<AuditEntry> {
    return new Pages(this.#http, '/audit', query, options);
  }

  /** Checks each link of the chain. */
  verify(options: RequestOptions = {}): Promise<AuditVerification> {
    return this.#http.json({ method: 'GET', path: '/audit/verification', ...options });
  }
}
