import { ConnectionError, errorOf } from './api-error.ts';
import type { ApiError } from './api-error.ts';

/** How a client reaches Signalbox. */
export interface ClientOptions {
  /** The gateway, for example `http://127.0.0.1:7420`. In a browser page that the gateway serves: `location.origin`. */
  url: string;
  /** The API key, or what gives one (asked before each request, so that a key can be rotated). Absent: the browser's session. */
  apiKey?: string | (() => string | Promise<string>) | undefined;
  /** Sent with every request. */
  headers?: Record<string, string> | undefined;
  /** How long one try may take until its answer's head is there, milliseconds. Default 30,000. */
  timeoutMs?: number | undefined;
  /** How often a request that may be repeated is tried again. Default 4. */
  retries?: number | undefined;
  /** Another `fetch`, for tests or a proxy. */
  fetch?: typeof fetch | undefined;
}

/** What each operation takes beside its own arguments. */
export interface RequestOptions {
  /** Gives up when aborted; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Overrides the client's `timeoutMs`. */
  timeoutMs?: number | undefined;
}

/** Applying may name the version last seen (0: it must not exist yet): where another stands, nothing is written and an `ApiError` of 412 is thrown. */
export interface ApplyOptions extends RequestOptions {
  expectedVersion?: number | undefined;
}

/** The condition of a write, as a header. */
export function ifMatch(version: number | undefined): { headers?: Record<string, string> } {
  return version === undefined ? {} : { headers: { 'if-match': `"${version}"` } };
}

/** Creates take a key, by which the server knows a repeated request; one is made where none is given. */
export interface CreateOptions extends RequestOptions {
  idempotencyKey?: string | undefined;
}

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** One request, as the resources describe it. */
export interface Call extends CreateOptions {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`, each part encoded by `path`. */
  path: string;
  query?: Query | undefined;
  /** Sent as JSON; a string or bytes with `contentType` are sent as they are. */
  body?: unknown;
  contentType?: string | undefined;
  accept?: string | undefined;
  headers?: Record<string, string> | undefined;
  /** A POST that may be repeated because it carries an Idempotency-Key. */
  creates?: boolean | undefined;
}

/** A pause doubles from here with each try ... */
const pauseMs = 150;
/** ... up to here: a person or a worker waits for the answer. */
const pauseMaxMs = 5_000;
/** Longer waits that a server asks for are the caller's decision, not ours. */
const retryAfterMaxMs = 30_000;

/** Encodes the parts of a path: names and ids come from users. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, i) => text + encodeURIComponent(values[i - 1] ?? '') + part);
}

/** Sends requests: credentials, deadlines, retries where they are safe, typed errors. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #base: string;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#base = options.url.replace(/\/+$/, '');
  }

  /** The answer's JSON body (`undefined` for 204). */
  async json<T>(call: Call): Promise<T> {
    const response = await this.send(call);
    if (response.status === 204) return undefined as T;
    const text = await response.text();
    try {
      return JSON.parse(text) as T;
    } catch (error) {
      throw new ConnectionError('unreadable', this.#url(call), 'the answer is not JSON: is this the address of Signalbox?', error);
    }
  }

  /** The response, its body unread; every status outside 2xx is an `ApiError`. */
  async send(call: Call): Promise<Response> {
    const headers = this.#headers(call);
    const retries = this.#options.retries ?? 4;
    for (let attempt = 0; ; attempt++) {
      let failure: ApiError | ConnectionError;
      try {
        const response = await this.#once(call, headers);
        if (response.ok) return response;
        failure = await errorOf(response);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        failure = error;
      }
      const waitMs = attempt < retries ? pauseBefore(failure, mayRepeat(call), attempt) : null;
      if (waitMs === null) throw failure;
      await sleep(waitMs, call.signal);
    }
  }

  async #once(call: Call, headers: Headers): Promise<Response> {
    call.signal?.throwIfAborted();
    const key = typeof this.#options.apiKey === 'function' ? await this.#options.apiKey() : this.#options.apiKey;
    if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
    // The timer covers the wait for the head only: bodies may stream for hours.
    const timer = new AbortController();
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
    const timeout = setTimeout(() => timer.abort(), timeoutMs);
    const url = this.#url(call);
    try {
      const send = this.#options.fetch ?? fetch;
      const body = bodyOf(call);
      return await send(url, {
        method: call.method,
        headers,
        redirect: 'error',
        ...(body !== undefined && { body }),
        signal: call.signal ? AbortSignal.any([call.signal, timer.signal]) : timer.signal,
      });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (timer.signal.aborted) throw new ConnectionError('timeout', url, `no answer within ${timeoutMs / 1000} s`, error);
      throw new ConnectionError('unreachable', url, `cannot reach ${this.#base}: ${reasonOf(error)}`, error);
    } finally {
      clearTimeout(timeout);
    }
  }

  #url(call: Call): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value === undefined || value === null) continue;
      for (const one of Array.isArray(value) ? (value as string[]) : [String(value)]) query.append(name, one);
    }
    return `${this.#base}/api/v1${call.path}${query.size > 0 ? `?${query}` : ''}`;
  }

  #headers(call: Call): Headers {
    const headers = new Headers(this.#options.headers);
    headers.set('accept', call.accept ?? 'application/json');
    if (call.body !== undefined) headers.set('content-type', call.contentType ?? 'application/json');
    if (call.creates === true) headers.set('idempotency-key', call.idempotencyKey ?? newIdempotencyKey());
    for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
    return headers;
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages that are not served over https or from loopback. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Waits, or rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** A pause with full jitter: a thousand clients of one restarted gateway must not come back together. */
export function backoffMs(attempt: number, firstMs = pauseMs, maxMs = pauseMaxMs): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** attempt);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

function mayRepeat(call: Call): boolean {
  return call.method !== 'POST' || call.creates === true;
}

/** Milliseconds to wait before the next try; null: this must not, or need not, be tried again. */
function pauseBefore(failure: ApiError | ConnectionError, repeatable: boolean, attempt: number): number | null {
  if (failure instanceof ConnectionError) return repeatable && failure.code !== 'unreadable' ? backoffMs(attempt) : null;
  if (failure.status === 429 || failure.status === 503) {
    // With Retry-After the server says that it has not begun, so that even what is not idempotent may come again.
    if (failure.retryAfterMs !== undefined) return failure.retryAfterMs <= retryAfterMaxMs ? failure.retryAfterMs : null;
    return repeatable ? backoffMs(attempt) : null;
  }
  return repeatable && (failure.status === 502 || failure.status === 504) ? backoffMs(attempt) : null;
}

function bodyOf(call: Call): string | Uint8Array<ArrayBuffer> | undefined {
  if (call.body === undefined) return undefined;
  if (call.contentType !== undefined) return call.body as string | Uint8Array<ArrayBuffer>;
  return JSON.stringify(call.body);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
