import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** Between two events, so that no proxy takes the silence for an end; the dashboard says after 12 s of silence that it has no news. */
const keepAliveMs = 5_000;
/** What a reader may be behind before it is cut; it resumes by `Last-Event-ID`. */
const behindMaxBytes = 1_048_576;
/** A reader that took nothing for so many keep-alives, although something waits for it, is cut too. */
const stuckMax = 6;

export interface StreamedEvent {
  /** Where to resume; left out for events that are not kept. */
  id?: string;
  event: string;
  data: unknown;
}

/** One open `text/event-stream` (HTML, server-sent events). */
export class EventStream {
  private readonly timer: NodeJS.Timeout;
  private isOpen = true;
  private readonly whenClosed: (() => void)[] = [];
  private stuck = 0;

  constructor(
    request: FastifyRequest,
    private readonly reply: FastifyReply,
  ) {
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
    });
    reply.raw.write('retry: 1000\n\n');
    this.timer = setInterval(() => this.keepAlive(), keepAliveMs);
    reply.raw.on('drain', () => (this.stuck = 0));
    request.raw.once('close', () => this.close());
    reply.raw.once('close', () => this.close());
  }

  send(event: StreamedEvent): void {
    this.write(frameOf(event));
  }

  /** Whole events, as `frameOf` makes them. */
  write(frames: string | Buffer): void {
    if (!this.isOpen) return;
    this.reply.raw.write(frames);
    if (this.reply.raw.writableLength > behindMaxBytes) this.cut();
  }

  /** Whether the reader keeps up: more should wait while it does not. */
  get isReady(): boolean {
    return !this.reply.raw.writableNeedDrain;
  }

  /** Calls `work` each time that the reader has caught up. */
  onReady(work: () => void): void {
    this.reply.raw.on('drain', work);
  }

  /** Runs `work` when the reader has gone or the stream was closed. */
  onClose(work: () => void): void {
    if (this.isOpen) this.whenClosed.push(work);
    else work();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    clearInterval(this.timer);
    this.reply.raw.end();
    for (const work of this.whenClosed) work();
  }

  private keepAlive(): void {
    if (this.isReady) this.write(': still here\n\n');
    else if (++this.stuck > stuckMax) this.cut();
  }

  private cut(): void {
    this.reply.raw.destroy();
    this.close();
  }
}

/** One event as it is written. */
export function frameOf({ id, event, data }: StreamedEvent): string {
  const head = id === undefined ? '' : `id: ${oneLine(id)}\n`;
  return `${head}event: ${oneLine(event)}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** `Last-Event-ID` as a number. `invalid` when it is not one that our streams gave. */
export function lastEventId(request: FastifyRequest): number | undefined {
  const given = request.headers['last-event-id'];
  if (given === undefined || given === '') return undefined;
  if (typeof given === 'string' && /^\d{1,15}$/.test(given)) return Number(given);
  throw new Fault('invalid', 'the Last-Event-ID is not one of this stream', 'Begin again without it.', {
    errors: [{ pointer: '/Last-Event-ID', detail: 'must be an id that the stream gave' }],
  });
}

/** Whether the caller wants events as they come. */
export function wantsEventStream(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').includes('text/event-stream');
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, ' ');
}
