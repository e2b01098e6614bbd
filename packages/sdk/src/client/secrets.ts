import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** What is known of a secret; no operation shows its value. */
export interface Secret {
  name: string;
  description: string;
  /** Counts its values, from 1. */
  version: number;
  createdAt: string;
  createdBy: string;
  /** When it was set last, and by whom. */
  updatedAt: string;
  updatedBy: string;
  /** When a service read its value, to within a minute; null: never. */
  lastUsedAt: string | null;
}

/** `/secrets`: what manifests name as `secret://NAME`. */
export class Secrets {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Secret> {
    return new Pages(this.#http, '/secrets', query, options);
  }

  /** Makes it, or gives it another value (8 characters to 64 KiB), which is used from then on. */
  set(name: string, secret: { value: string; description?: string | undefined }, options: RequestOptions = {}): Promise<Secret> {
    return this.#http.json({ method: 'PUT', path: path`/secrets/${name}`, body: secret, ...options });
  }

  /** Forgets it. What names it fails from then on. */
  remove(name: string, options: RequestOptions = {}): Promise<{ name: string }> {
    return this.#http.json({ method: 'DELETE', path: path`/secrets/${name}`, ...options });
  }

  /** Seals all secrets of the workspace anew with a new data key; values stay as they are. */
  rotate(options: RequestOptions = {}): Promise<{ version: number; secrets: number }> {
    return this.#http.json({ method: 'POST', path: '/secrets/rotation', ...options });
  }
}
