import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** An agent whose current version nobody has signed off. */
export interface Review {
  agent: string;
  version: number;
  /** The last version that was signed off; null: none was. */
  signedVersion: number | null;
  signedBy: string | null;
  signedAt: string | null;
  /** Whether its skills, or their schemas, are others than those that were signed off. */
  contractChanged: boolean;
  /** Where the manifest differs, as `spec.skills[0].name`; at most 50. */
  changes: string[];
  changedAt: string;
  changedBy: string;
}

/** `/reviews`: agents to sign off. */
export class Reviews {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** By name. */
  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Review> {
    return new Pages(this.#http, '/reviews', query, options);
  }

  /** Says that somebody has looked at the current version of an agent. */
  signOff(
    agent: string,
    version: number,
    note?: string,
    options: RequestOptions = {},
  ): Promise<{ agent: string; version: number; by: string; at: string }> {
    const body = { version, ...(note !== undefined && { note }) };
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/sign-off`, body, ...options });
  }
}
