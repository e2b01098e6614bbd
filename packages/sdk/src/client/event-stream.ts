import { ApiError, ConnectionError } from './api-error.ts';
import { backoffMs, sleep } from './transport.ts';
import type { Query, RequestOptions, Transport } from './transport.ts';

/** One server-sent event. */
export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** How a stream of events is followed. */
export interface FollowOptions extends RequestOptions {
  /** The id of the last event already seen: the stream goes on after it. */
  lastEventId?: string | undefined;
  /** Called when the connection was lost, before the pause after which it is tried again, and with null when it is back. */
  onConnection?: ((lost: Error | null) => void) | undefined;
}

/** A line longer than this is no event of ours; without a bound a broken server would fill the memory. */
const lineMaxChars = 4 * 1024 * 1024;
/** Servers send a comment at least every 15 s: silence of this length is a dead connection. */
const silenceMaxMs = 45_000;

/**
 * Follows a stream of server-sent events for as long as it is iterated: after a lost connection it resumes behind the last event seen
 * (`Last-Event-ID`), with growing pauses. Ends when the server says there is nothing more (204) or the signal is aborted.
 */
export async function* followEvents(
  http: Transport,
  path: string,
  query: Query | undefined,
  options: FollowOptions = {},
): AsyncGenerator<ServerEvent> {
  let last = options.lastEventId;
  let pauseFromServerMs: number | undefined;
  let lostAt: Error | null = null;
  let everConnected = false;
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await http.send({
        method: 'GET',
        path,
        query,
        accept: 'text/event-stream',
        headers: last === undefined ? {} : { 'last-event-id': last },
        ...options,
      });
      if (response.status === 204 || response.body === null) return;
      if (lostAt) options.onConnection?.(null);
      lostAt = null;
      everConnected = true;
      for await (const item of parseEvents(response.body)) {
        attempt = 0;
        if ('retryMs' in item) {
          pauseFromServerMs = item.retryMs;
          continue;
        }
        if (item.id !== '') last = item.id;
        yield item;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      // A refusal does not heal by asking again; a broken connection does.
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) throw error;
      if (error instanceof ConnectionError && !everConnected) throw error;
      lostAt = error instanceof Error ? error : new Error(String(error));
    }
    options.signal?.throwIfAborted();
    lostAt ??= new Error('the server closed the stream');
    options.onConnection?.(lostAt);
    await sleep(pauseFromServerMs ?? backoffMs(attempt, 250, 10_000), options.signal);
  }
}

/** Parses `text/event-stream` (HTML Living Standard, 9.2.6). */
export async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent | { retryMs: number }> {
  let id = '';
  let event = '';
  let data: string[] = [];
  for await (const line of linesOf(body)) {
    if (line === '') {
      if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') };
      event = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d{1,6}$/.test(value)) yield { retryMs: Number(value) };
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await orSilence(reader.read());
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A CR at the end may be half of CRLF: it waits for the next piece.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      if (rest.length > lineMaxChars) throw new Error('an event is too long');
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function orSilence<T>(reading: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no sign of life for ${silenceMaxMs / 1000} s`)), silenceMaxMs);
  });
  try {
    return await Promise.race([reading, silence]);
  } finally {
    clearTimeout(timer);
  }
}
