import type { FastifyReply } from 'fastify';

const keepAliveMs = 10_000;
/** What a reader may be behind before it is cut. */
const behindMaxBytes = 1_048_576;

/**
 * The stream of one completion. It begins with its first chunk, so that what fails before is answered with its status; a run that says nothing for
 * a while begins it too, so that no proxy takes the silence for an end.
 */
export class ChunkStream {
  private readonly timer: NodeJS.Timeout;
  private isBegun = false;
  private isClosed = false;
  private readonly whenClosed: (() => void)[] = [];

  constructor(private readonly reply: FastifyReply) {
    this.timer = setInterval(() => this.write(': still here\n\n'), keepAliveMs);
    reply.raw.once('close', () => this.closed());
  }

  get hasBegun(): boolean {
    return this.isBegun;
  }

  send(data: object | '[DONE]'): void {
    this.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  }

  /** Stops the keep-alive; the answer is another one. */
  abandon(): void {
    clearInterval(this.timer);
  }

  onClose(work: () => void): void {
    if (this.isClosed) work();
    else this.whenClosed.push(work);
  }

  /** Ends it, wherever it is. */
  close(): void {
    clearInterval(this.timer);
    if (this.isBegun) this.reply.raw.end();
    else this.reply.raw.destroy();
  }

  private closed(): void {
    clearInterval(this.timer);
    this.isClosed = true;
    for (const work of this.whenClosed) work();
  }

  private write(text: string): void {
    const { raw } = this.reply;
    if (this.isClosed || raw.writableEnded) return;
    if (!this.isBegun) {
      this.isBegun = true;
      this.reply.hijack();
      raw.writeHead(200, {
        ...(this.reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
        connection: 'keep-alive',
      });
    }
    raw.write(text);
    if (raw.writableLength > behindMaxBytes) raw.destroy();
  }
}
