import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { ifMatch, path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** One version of one key of shared state. The scope is `workspace`, a run (`run_…`) or an agent (`agent:NAME`). */
export interface StateEntry {
  scope: string;
  key: string;
  /** Rises by one with every write and deletion of the key, and never begins anew. */
  version: number;
  value: unknown;
  updatedAt: string;
  updatedBy: string;
}

/** A key without its value. */
export interface StateKey extends Omit<StateEntry, 'value'> {
  /** Of the value, encoded. */
  bytes: number;
}

/** One write or deletion of a key. */
export interface StateVersion {
  version: number;
  isDeleted: boolean;
  bytes: number;
  updatedAt: string;
  updatedBy: string;
}

/** `/state/{scope}/{key}`: shared state with compare-and-swap and history. */
export class SharedState {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(scope: string, query: ListQuery = {}, options: RequestOptions = {}): Pages<StateKey> {
    return new Pages(this.#http, path`/state/${scope}`, query, options);
  }

  /** The value now, or at an earlier `version` while that is kept. */
  get(scope: string, key: string, query: { version?: number | undefined } = {}, options: RequestOptions = {}): Promise<StateEntry> {
    return this.#http.json({ method: 'GET', path: path`/state/${scope}/${key}`, query, ...options });
  }

  /** The versions of a key, the newest first. */
  async versions(scope: string, key: string, options: RequestOptions = {}): Promise<StateVersion[]> {
    const { data } = await this.#http.json<{ data: StateVersion[] }>({
      method: 'GET',
      path: path`/state/${scope}/${key}/versions`,
      ...options,
    });
    return data;
  }

  /** Writes the key. `expectedVersion`: the version last seen (0: it must not exist yet); a lost race is an `ApiError` 412. */
  put(scope: string, key: string, value: unknown, expectedVersion?: number, options: RequestOptions = {}): Promise<{ version: number }> {
    return this.#http.json({ method: 'PUT', path: path`/state/${scope}/${key}`, body: { value }, ...ifMatch(expectedVersion), ...options });
  }

  remove(scope: string, key: string, expectedVersion?: number, options: RequestOptions = {}): Promise<unknown> {
    return this.#http.json({ method: 'DELETE', path: path`/state/${scope}/${key}`, ...ifMatch(expectedVersion), ...options });
  }
}
