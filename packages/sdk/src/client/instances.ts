import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { RequestOptions, Transport } from './transport.ts';

/** A live replica of an agent. */
export interface Instance {
  id: string;
  agent: string;
  /** The name that the process gave itself. */
  instance: string;
  status: 'live' | 'draining' | 'isolated' | 'gone';
  statusReason?: string;
  capacity: number;
  inFlight: number;
  runner: 'local' | 'external';
  lastBeatAt: string;
  startedAt: string;
}

export interface InstanceQuery extends ListQuery {
  agent?: string | undefined;
  status?: Instance['status'] | undefined;
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
