import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Role } from './principals.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** What is known of an API key; the key itself is shown once. */
export interface Key {
  id: string;
  name: string;
  principal: string;
  principalName: string;
  roles: Role[];
  /** What it narrows its roles to, as `runs:read` or `tools:*`; empty: it does not. */
  scopes: string[];
  createdAt: string;
  createdBy: string;
  /** Null: it does not expire. */
  expiresAt: string | null;
  /** To within a minute; null: never used. */
  lastUsedAt: string | null;
  revokedAt: string | null;
}

/** What a new key is to be. */
export interface NewKey {
  name: string;
  /** Whom it speaks for; absent: the caller. */
  principal?: string | undefined;
  roles?: Role[] | undefined;
  scopes?: string[] | undefined;
  /** Seconds from now. */
  expiresInS?: number | undefined;
}

export interface KeyQuery extends ListQuery {
  principal?: string | undefined;
  state?: 'live' | 'expired' | 'revoked' | undefined;
}

/** `/keys`: API keys. */
export class Keys {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: KeyQuery = {}, options: RequestOptions = {}): Pages<Key> {
    return new Pages(this.#http, '/keys', query, options);
  }

  /** Makes a key. `key` in the answer is shown here and never again, so the request is not repeated by itself. */
  create(key: NewKey, options: RequestOptions = {}): Promise<Key & { key: string }> {
    return this.#http.json({ method: 'POST', path: '/keys', body: key, ...options });
  }

  /** Ends the key everywhere within 5 s. `withGrants`: also what was started with it loses its rights. */
  revoke(id: string, query: { withGrants?: boolean | undefined } = {}, options: RequestOptions = {}): Promise<Key> {
    return this.#http.json({ method: 'DELETE', path: path`/keys/${id}`, query, ...options });
  }
}
