import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type FaultCause =
  'lost' | 'errors' | 'slow' | 'crash-loop' | 'probe' | 'poison-task' | 'budget' | 'rollout' | 'dependency' | 'capacity' | 'by-hand';

/** An agent or one of its instances that is kept out of routing. */
export interface Isolation {
  agent: string;
  /** Null: the agent with all of its instances. */
  instance: string | null;
  cause: FaultCause;
  because: string;
  /** `trial`: it gets one task at a time. */
  state: 'isolated' | 'trial' | 'given-up';
  /** How often it was tried to recover it. */
  attempt: number;
  since: string;
  /** Null: a person goes on. */
  nextAt: string | null;
  incident: string;
  by: string;
}

export interface IsolationQuery extends ListQuery {
  agent?: string | undefined;
}

/** `/isolations`, and what isolates and releases. */
export class Isolations {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** By agent and instance. */
  list(query: IsolationQuery = {}, options: RequestOptions = {}): Pages<Isolation> {
    return new Pages(this.#http, '/isolations', query, options);
  }

  /** Takes an agent, or one of its instances, out of routing until it is released; what it has is given to others. */
  isolate(
    agent: string,
    about: { instance?: string | undefined; reason: string },
    options: RequestOptions = {},
  ): Promise<{ resource: Isolation }> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/isolate`, body: about, ...options });
  }

  /** Lets an agent with its instances, or one instance, in again. */
  release(agent: string, instance?: string, options: RequestOptions = {}): Promise<{ agent: string }> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/release`, body: { ...(instance && { instance }) }, ...options });
  }

  /** Has the next attempt to recover made now. */
  recover(agent: string, instance?: string, options: RequestOptions = {}): Promise<{ resource: Isolation }> {
    return this.#http.json({ method: 'POST', path: path`/agents/${agent}/recover`, body: { ...(instance && { instance }) }, ...options });
  }
}
