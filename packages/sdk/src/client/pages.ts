import type { Call, RequestOptions, Transport } from './transport.ts';

/** One page of a list. */
export interface Page<T> {
  data: T[];
  /** Gives the next page; null: this was the last. */
  nextCursor: string | null;
}

/** What every list takes. */
export interface ListQuery {
  /** Items a page, at most 200. Default 50. */
  limit?: number | undefined;
  cursor?: string | undefined;
  /** Words to look for. */
  q?: string | undefined;
}

/**
 * A list, read page by page as it is walked.
 *
 * @example
 * for await (const agent of client.agents.list()) console.log(agent.name);
 * const { data, nextCursor } = await client.agents.list({ limit: 10 }).first();
 */
export class Pages<T> implements AsyncIterable<T> {
  readonly #http: Transport;
  readonly #call: Call;

  constructor(http: Transport, path: string, query: ListQuery & object, options: RequestOptions = {}) {
    this.#http = http;
    this.#call = { method: 'GET', path, query: { ...query }, ...options };
  }

  /** The page at the query's cursor, or the first. */
  first(): Promise<Page<T>> {
    return this.#http.json<Page<T>>(this.#call);
  }

  /** All pages from there on. */
  async *pages(): AsyncGenerator<Page<T>> {
    let page = await this.first();
    yield page;
    while (page.nextCursor !== null && page.nextCursor !== undefined) {
      page = await this.#http.json<Page<T>>({ ...this.#call, query: { ...this.#call.query, cursor: page.nextCursor } });
      yield page;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const page of this.pages()) yield* page.data;
  }

  /** The first `max` items: a list may have no end that fits into memory. */
  async take(max: number): Promise<T[]> {
    const items: T[] = [];
    if (max <= 0) return items;
    for await (const item of this) {
      items.push(item);
      if (items.length >= max) break;
    }
    return items;
  }
}
