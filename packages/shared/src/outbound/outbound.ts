import { Agent, fetch as undiciFetch, type Response as UndiciResponse } from 'undici';
import { Fault } from '../errors/fault.ts';
import { AllowList } from './address.ts';
import { guardedConnector } from './connector.ts';
import { nextHop, outboundUrl, redirectsMax, type Hop } from './redirect.ts';

export interface OutboundOptions {
  /** Internal hosts, addresses and networks that an administrator allows: see `AllowList`. */
  allowInternal: readonly string[];
  /** The largest response body, in bytes after decompression; 32 MiB if absent, `Infinity` for streams that have their own bound. */
  maxBytes?: number;
  /** From the call to the last byte; 60 s if absent, `Infinity` for streams that live long. */
  timeoutMs?: number;
  /** The longest silence, before the headers and between two parts of the body; 60 s if absent. */
  idleMs?: number;
}

export const outboundMaxBytes = 32 * 1024 * 1024;
export const outboundTimeoutMs = 60_000;
const connectTimeoutMs = 10_000;
type Redirect = NonNullable<RequestInit['redirect']>;
/** Sockets to one origin; further requests wait. */
const connectionsPerOrigin = 64;
/** Node's timers take no more. */
const timerMaxMs = 2_147_483_647;

/** The one client for every URL from a user, an upstream or a document. `fetch` is as the platform's, and can be handed to libraries. */
export class Outbound {
  private readonly agent: Agent;

  constructor(private readonly options: OutboundOptions) {
    const idleMs = options.idleMs ?? outboundTimeoutMs;
    this.agent = new Agent({
      connect: guardedConnector(new AllowList(options.allowInternal), connectTimeoutMs),
      connections: connectionsPerOrigin,
      headersTimeout: Number.isFinite(idleMs) ? idleMs : 0,
      bodyTimeout: Number.isFinite(idleMs) ? idleMs : 0,
      keepAliveTimeout: 10_000,
      allowH2: false,
    });
  }

  /**
   * Rejects with a Fault: `forbidden` for a target that is not public, `invalid` for a URL that cannot be called, `unavailable` when nobody
   * answers, `timeout`; with the signal's reason when it is aborted. A body over `maxBytes` breaks with `limited`.
   */
  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { hop, signal: given, redirect } = await firstHop(input, init);
    const limits = new AbortController();
    const timeoutMs = this.options.timeoutMs ?? outboundTimeoutMs;
    const timer = Number.isFinite(timeoutMs) ? setTimeout(() => limits.abort(lateFault()), Math.min(timeoutMs, timerMaxMs)) : undefined;
    const signal = given ? AbortSignal.any([given, limits.signal]) : limits.signal;
    const done = (): void => clearTimeout(timer);
    try {
      const { response, url } = await this.follow(hop, redirect, signal);
      return wrap(response, url, this.options.maxBytes ?? outboundMaxBytes, signal, done);
    } catch (thrown) {
      done();
      throw faultOf(thrown, signal);
    }
  };

  private async follow(first: Hop, redirect: Redirect, signal: AbortSignal): Promise<{ response: UndiciResponse; url: URL }> {
    let hop = first;
    for (let redirects = 0; ; redirects++) {
      const response = await undiciFetch(hop.url, {
        method: hop.method,
        headers: [...hop.headers],
        body: (hop.body ?? null) as never,
        redirect: 'manual',
        signal,
        dispatcher: this.agent,
        ...(hop.body instanceof ReadableStream && { duplex: 'half' as const }),
      });
      const next = redirect === 'manual' ? null : nextHop(hop, response.status, response.headers.get('location'));
      if (!next) return { response, url: hop.url };
      await response.body?.cancel();
      if (redirect === 'error' || redirects === redirectsMax) {
        throw new Fault('invalid', `the URL redirects ${redirect === 'error' ? '' : 'too often '}`.trim(), 'Use the URL that it leads to.');
      }
      hop = next;
    }
  }

  /** Ends open connections. */
  close(): Promise<void> {
    return this.agent.destroy();
  }
}

/** Clients by their options, so that connections are reused; options come from configuration, so there are few. */
const clients = new Map<string, Outbound>();

/** One guarded request with the client of these options. */
export function fetchGuarded(input: string | URL | Request, init: RequestInit | undefined, options: OutboundOptions): Promise<Response> {
  const { allowInternal, maxBytes, timeoutMs, idleMs } = options;
  const key = [maxBytes, timeoutMs, idleMs, ...allowInternal].join(' ');
  let client = clients.get(key);
  if (!client) clients.set(key, (client = new Outbound(options)));
  return client.fetch(input, init);
}

/** Ends the connections of all clients of `fetchGuarded`, as the process stops. */
export async function closeOutbound(): Promise<void> {
  const open = [...clients.values()];
  clients.clear();
  await Promise.all(open.map((client) => client.close()));
}

async function firstHop(
  input: string | URL | Request,
  init: RequestInit,
): Promise<{ hop: Hop; signal: AbortSignal | null; redirect: Redirect }> {
  const request = typeof input === 'string' || input instanceof URL ? null : input;
  const body = init.body ?? (request?.body ? new Uint8Array(await request.arrayBuffer()) : null);
  const headers = new Headers(init.headers ?? request?.headers);
  const type = contentTypeOf(body);
  if (type && !headers.has('content-type')) headers.set('content-type', type);
  if (!headers.has('user-agent')) headers.set('user-agent', 'signalbox');
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
  return {
    hop: {
      url: outboundUrl(request ? request.url : typeof input === 'string' ? input : (input as URL).href),
      method,
      headers,
      body: body instanceof URLSearchParams ? String(body) : body,
    },
    signal: init.signal ?? request?.signal ?? null,
    redirect: init.redirect ?? request?.redirect ?? 'follow',
  };
}

function contentTypeOf(body: RequestInit['body']): string | null {
  if (body instanceof URLSearchParams) return 'application/x-www-form-urlencoded;charset=UTF-8';
  return typeof body === 'string' ? 'text/plain;charset=UTF-8' : null;
}

/** The response as the platform's own class, its body counted, and broken where the time is up. */
function wrap(response: UndiciResponse, url: URL, maxBytes: number, signal: AbortSignal, done: () => void): Response {
  const headers = new Headers([...response.headers]);
  if (headers.has('content-encoding')) for (const name of ['content-encoding', 'content-length']) headers.delete(name); // it is decoded already
  const isBodyless = response.body === null || [101, 204, 205, 304].includes(response.status);
  if (isBodyless) done();
  const body = isBodyless ? null : capped(response.body as ReadableStream<Uint8Array>, maxBytes, signal, done);
  const wrapped = new Response(body, { status: response.status, statusText: response.statusText, headers });
  Object.defineProperty(wrapped, 'url', { value: url.href });
  return wrapped;
}

function capped(source: ReadableStream<Uint8Array>, maxBytes: number, signal: AbortSignal, done: () => void): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let received = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done: isDone, value } = await reader.read();
          if (isDone) {
            done();
            controller.close();
            return;
          }
          received += value.byteLength;
          if (received > maxBytes) {
            await reader.cancel();
            throw new Fault('limited', `the answer has more than ${maxBytes} bytes`, 'Ask for less at once.');
          }
          controller.enqueue(value);
        } catch (thrown) {
          done();
          controller.error(faultOf(thrown, signal));
        }
      },
      async cancel(reason) {
        done();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function lateFault(cause?: unknown): Fault {
  return new Fault('timeout', 'the other side did not answer in time', 'Try again, or allow more time.', { cause });
}

const lateCodes = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** What was thrown as a Fault, except for an abort by the caller, which is passed on as it is. Nothing of the other side's is told. */
function faultOf(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  for (let cause: unknown = thrown, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof Fault) return cause;
    if (lateCodes.has(String((cause as NodeJS.ErrnoException).code))) return lateFault(thrown);
    if (cause instanceof AggregateError) {
      const fault = cause.errors.find((error): error is Fault => error instanceof Fault);
      if (fault) return fault;
    }
  }
  return new Fault('unavailable', 'the other side cannot be reached, or broke off', 'Check the URL, and whether the server there runs.', {
    cause: thrown,
    retryAfterMs: 1_000,
  });
}
