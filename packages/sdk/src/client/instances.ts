import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** A live replica of an agent. */
export interface Instance {
  id: string;
  agent: string;
  status: string;
  capacity: number;
  inFlight: number;
  lastBeatAt: string | null;
  startedAt: string;
}

export interface InstanceQuery extends ListQuery {
  agent?: string | undefined;
}

/** `/instances`: the live replicas. */
export class Instances {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  list(query: InstanceQuery = {}, options: RequestOptions = {}): Pages<Instance> {
    return new Pages(this.#http, '/instances', query, options);
  }
}
