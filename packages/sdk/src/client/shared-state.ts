import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** A versioned key that the agents of a run or of the workspace read and write. */
export interface StateEntry {
  scope: string;
  key: string;
  version: number;
  value: unknown;
  updatedAt?: string;
  updatedBy?: string;
}

/** `/state/{scope}/{key}`: shared state with compare-and-swap. */
export class SharedState {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  get(scope: string, key: string, options: RequestOptions = {}): Promise<StateEntry> {
    return this.#http.json({ method: 'GET', path: path`/state/${scope}/${key}`, ...options });
  }

  /** Writes the key. `expectedVersion`: the version last seen (0: it must not exist yet); a lost race is an `ApiError` 412. */
  put(scope: string, key: string, value: unknown, expectedVersion?: number, options: RequestOptions = {}): Promise<{ version: number }> {
    return this.#http.json({
      method: 'PUT',
      path: path`/state/${scope}/${key}`,
      body: { value },
      ...(expectedVersion !== undefined && { headers: { 'if-match': `"${expectedVersion}"` } }),
      ...options,
    });
  }
}
