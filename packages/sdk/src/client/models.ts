import type { RequestOptions, Transport } from './transport.ts';

/** A model of a provider: `id` is what stands in an agent's `llm.model`. */
export interface Model {
  id: string;
  provider: string;
  ownedBy?: string;
  /** Epoch seconds, 0 where the provider does not say. */
  created: number;
}

/** `/models`: models of the configured providers. */
export class Models {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  async list(options: RequestOptions = {}): Promise<Model[]> {
    const { data } = await this.#http.json<{ data: Model[] }>({ method: 'GET', path: '/models', ...options });
    return data;
  }
}
