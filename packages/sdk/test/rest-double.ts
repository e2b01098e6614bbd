import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as it arrived. */
export interface Seen {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: unknown;
  raw: string;
}

/** What a route answers: a value is a 200 with JSON. */
export type Answer = (seen: Seen, response: ServerResponse) => unknown;

/** An answer with a status and headers of its own. */
export class Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;

  constructor(status: number, body: unknown = '', headers: Record<string, string> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export function problem(status: number, code: string, detail: string, more: object = {}, headers: Record<string, string> = {}): Reply {
  return new Reply(
    status,
    { type: 'about:blank', title: code, status, code, detail, ...more },
    { 'content-type': 'application/problem+json', ...headers },
  );
}

export function page(data: unknown[], nextCursor: string | null = null): object {
  return { data, nextCursor };
}

/** A real HTTP server whose routes each test writes. An answer that is an async generator streams its texts. */
export class RestDouble {
  readonly #server: Server;
  readonly #routes = new Map<string, Answer>();
  readonly seen: Seen[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      void (async () => {
        const url = new URL(request.url ?? '/', 'http://localhost');
        const raw = await text(request);
        const path = url.pathname.replace('/api/v1', '');
        const isJson = (request.headers['content-type'] ?? '').includes('json');
        const query = Object.fromEntries(url.searchParams);
        const one: Seen = {
          method: request.method ?? '',
          path,
          query,
          headers: request.headers,
          raw,
          body: raw && isJson ? (JSON.parse(raw) as unknown) : undefined,
        };
        this.seen.push(one);
        const route = this.#routes.get(`${one.method} ${path}`);
        await this.#answer(route ? await route(one, response) : problem(404, 'not_found', `there is nothing at ${path}`), response);
      })().catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(): Promise<RestDouble> {
    const rest = new RestDouble();
    rest.#server.listen(0, '127.0.0.1');
    await once(rest.#server, 'listening');
    return rest;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  on(route: string, answer: Answer | object): this {
    this.#routes.set(route, typeof answer === 'function' ? (answer as Answer) : () => answer);
    return this;
  }

  /** The requests of one route. */
  calls(route: string): Seen[] {
    return this.seen.filter((one) => `${one.method} ${one.path}` === route);
  }

  /** Cuts all open connections. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(answer: unknown, response: ServerResponse): Promise<void> {
    if (response.writableEnded || response.destroyed) return;
    if (answer !== null && typeof answer === 'object' && Symbol.asyncIterator in answer) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for await (const piece of answer as AsyncIterable<string>) {
        if (response.destroyed) return;
        response.write(piece);
      }
      response.end();
      return;
    }
    const { status, body, headers } = answer instanceof Reply ? answer : new Reply(answer === undefined ? 204 : 200, answer);
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    response.writeHead(status, { ...(!isRaw && { 'content-type': 'application/json' }), ...headers });
    response.end(body === undefined ? '' : isRaw ? body : JSON.stringify(body));
  }
}

/** One server-sent event as it is written. */
export function sse(id: number | string, event: string, data: object): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
