import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** A tenant: everything else belongs to one. */
export interface Workspace {
  id: string;
  name: string;
  /** As people call it. */
  title: string;
  createdAt: string;
}

/** `/workspaces`: for the administrator of the installation. */
export class Workspaces {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Workspace> {
    return new Pages(this.#http, '/workspaces', query, options);
  }
}
