import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export const roles = ['admin', 'operator', 'viewer', 'agent'] as const;
export type Role = (typeof roles)[number];

/** Who may act in the workspace: a person, a program or an agent. */
export interface Principal {
  id: string;
  kind: 'user' | 'service-account' | 'agent';
  name: string;
  roles: Role[];
  /** A disabled principal's keys and sessions are refused. */
  disabled: boolean;
  createdAt: string;
}

export interface PrincipalQuery extends ListQuery {
  kind?: Principal['kind'] | undefined;
}

/** `/principals`: who may act, and with which roles. For administrators. */
export class Principals {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: PrincipalQuery = {}, options: RequestOptions = {}): Pages<Principal> {
    return new Pages(this.#http, '/principals', query, options);
  }

  get(id: string, options: RequestOptions = {}): Promise<Principal> {
    return this.#http.json({ method: 'GET', path: path`/principals/${id}`, ...options });
  }

  create(principal: { kind: 'user' | 'service-account'; name: string; roles: Role[] }, options: RequestOptions = {}): Promise<Principal> {
    return this.#http.json({ method: 'POST', path: '/principals', body: principal, ...options });
  }

  update(
    id: string,
    change: { name?: string | undefined; roles?: Role[] | undefined; disabled?: boolean | undefined },
    options: RequestOptions = {},
  ): Promise<Principal> {
    return this.#http.json({ method: 'PATCH', path: path`/principals/${id}`, body: change, ...options });
  }

  /** From then on its keys and sessions are refused. */
  disable(id: string, options: RequestOptions = {}): Promise<Principal> {
    return this.#http.json({ method: 'DELETE', path: path`/principals/${id}`, ...options });
  }
}
