import { parseEvents, type ServerEvent } from '@signalbox/sdk/client/event-stream.js';

/** `connecting`: no news yet; `live`; `stale`: nothing heard for too long, trying again; `closed`: given up by us. */
export type StreamState = { kind: 'connecting' } | { kind: 'live' } | { kind: 'stale'; since: number } | { kind: 'closed' };

export interface StreamOptions {
  url: string;
  onEvent: (event: ServerEvent) => void;
  onState: (state: StreamState) => void;
  /** Where the stream goes on: the id of the last event that is known already. */
  lastEventId?: string;
  /** The stream answered that we are signed out. */
  onSignedOut?: () => void;
  /** The stream begins without resuming: what changed before it is not in it, so what is shown must be read again. */
  onGap?: () => void;
  /** How long silence may last; `staleAfterMs` if absent. */
  staleAfterMs?: number;
  fetch?: typeof fetch;
  now?: () => number;
}

/** The server beats every few seconds; without a word for this long the connection is taken for dead. */
const staleAfterMs = 12_000;
const checkEveryMs = 1_000;
/** Waits between tries double from the first to the last of these. */
const waitMinMs = 500;
const waitMaxMs = 8_000;

/**
 * Reads one server-sent event stream as long as it is open: resumes by `Last-Event-ID`, notices silence by itself (a heartbeat comment is
 * news too) and tries again with growing waits. `fetch` instead of EventSource, which hides heartbeats and cannot resume a connection
 * that it did not break itself.
 */
export class EventStream {
  private lastId = '';
  private waitMs = waitMinMs;
  private heardAt: number;
  private checkedAt: number;
  private triedAt: number;
  private attempt: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly watch: ReturnType<typeof setInterval>;
  private closed = false;
  private paused = false;
  private state: StreamState = { kind: 'connecting' };
  private readonly staleAfterMs: number;
  private readonly fetch: typeof fetch;
  private readonly now: () => number;

  constructor(private readonly options: StreamOptions) {
    this.staleAfterMs = options.staleAfterMs ?? staleAfterMs;
    this.fetch = options.fetch ?? ((...args) => globalThis.fetch(...args));
    this.now = options.now ?? Date.now;
    this.heardAt = this.triedAt = this.checkedAt = this.now();
    this.lastId = options.lastEventId ?? '';
    this.watch = setInterval(() => this.check(), checkEveryMs);
    void this.connect();
  }

  close(): void {
    this.closed = true;
    clearInterval(this.watch);
    if (this.timer) clearTimeout(this.timer);
    this.attempt?.abort();
    this.set({ kind: 'closed' });
  }

  /** Lets go of the connection while nobody looks: a browser allows only a few per server, for all of its tabs together. */
  pause(): void {
    if (this.closed) return;
    this.paused = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.attempt?.abort();
    this.attempt = null;
  }

  /** Resumes behind the last event. */
  resume(): void {
    if (this.closed || !this.paused) return;
    this.paused = false;
    this.heardAt = this.now();
    void this.connect();
  }

  /** Tries at once instead of at the end of the wait: the network is back, or a person asked. */
  retryNow(): void {
    if (this.closed || this.paused || this.state.kind === 'live') return;
    this.waitMs = waitMinMs;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.attempt?.abort();
    void this.connect();
  }

  private async connect(): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    this.triedAt = this.now();
    let retryMs: number | null = null;
    try {
      const answer = await this.fetch(this.options.url, {
        headers: { accept: 'text/event-stream', ...(this.lastId !== '' && { 'last-event-id': this.lastId }) },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: attempt.signal,
      });
      if (answer.status === 204) {
        this.close();
        return;
      }
      if (answer.status === 401) {
        this.close();
        this.options.onSignedOut?.();
        return;
      }
      if (this.lastId !== '' && [400, 404, 410].includes(answer.status)) {
        this.lastId = '';
        throw new Error('the stream cannot resume there');
      }
      if (!answer.ok || !answer.body) throw new Error(`the stream answered ${answer.status}`);
      if (this.lastId === '') this.options.onGap?.();
      this.heard();
      retryMs = await this.read(answer.body);
    } catch {
      // Whatever broke it, the answer is the same: wait and try again; the state says so to the person.
    }
    if (this.closed || this.attempt !== attempt) return;
    this.timer = setTimeout(() => void this.connect(), retryMs ?? this.waitMs);
    this.waitMs = Math.min(waitMaxMs, this.waitMs * 2);
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<number | null> {
    let retryMs: number | null = null;
    const heard = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        this.heard();
        controller.enqueue(chunk);
      },
    });
    for await (const item of parseEvents(body.pipeThrough(heard))) {
      if ('retryMs' in item) {
        retryMs = item.retryMs;
        continue;
      }
      if (item.id !== '') this.lastId = item.id;
      this.options.onEvent(item);
    }
    return retryMs;
  }

  private heard(): void {
    this.heardAt = this.now();
    this.waitMs = waitMinMs;
    this.set({ kind: 'live' });
  }

  /** A connection that says nothing is dead, whatever the socket believes; so is a try that nobody answers. */
  private check(): void {
    // A page that stood still (a busy processor, a computer asleep) heard nothing because it did not listen: that time does not count.
    const stoodStillMs = this.now() - this.checkedAt - checkEveryMs;
    this.checkedAt = this.now();
    if (stoodStillMs > checkEveryMs) {
      this.heardAt += stoodStillMs;
      this.triedAt += stoodStillMs;
    }
    if (this.closed || this.paused || this.now() - this.heardAt < this.staleAfterMs) return;
    this.set({ kind: 'stale', since: this.heardAt });
    if (this.now() - Math.max(this.heardAt, this.triedAt) >= this.staleAfterMs) this.attempt?.abort();
  }

  private set(state: StreamState): void {
    if (state.kind === this.state.kind) return;
    this.state = state;
    this.options.onState(state);
  }
}
