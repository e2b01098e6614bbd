import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';
import type { Child } from '@signalbox/supervisor/child.js';
import { describeExit } from '@signalbox/supervisor/watch-child.js';
import { readLines } from '@signalbox/supervisor/line-reader.js';

export interface ChildTransportOptions {
  messageMaxBytes: number;
}

/** A server that does not read its input may keep this much waiting; then it is given up. */
const waitingMaxBytes = 16 * 1024 * 1024;
/** Lines on the output that are no messages: a banner is borne, a stream of them is not. */
const noiseMax = 100;
const noiseShownMax = 200;

/** Messages over the pipes of a supervised child (MCP 2025-11-25, basic/transports, stdio): one line of JSON each. */
export class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  /** What it printed first that is no message. */
  firstNoise: string | null = null;
  private noise = 0;
  private isClosed = false;
  /** Progress came in this turn of the loop. The client hears it a moment later, and not at all once it has the answer: that waits for the next turn. */
  private isProgressFresh = false;
  /** Requests without an answer, so that an answer that is too long can be told to the one who waits. */
  private readonly open = new Set<string | number>();

  constructor(
    private readonly child: Child,
    private readonly options: ChildTransportOptions,
  ) {}

  async start(): Promise<void> {
    readLines(this.child.stdout, {
      lineMaxBytes: this.options.messageMaxBytes,
      onLine: (line) => this.onLine(line),
      onTooLong: () => this.onTooLong(),
    });
    void this.child.exited.then((exit) => {
      this.onerror?.(new Error(describeExit(exit)));
      this.onClosed();
    });
  }

  private onLine(line: Buffer): void {
    let message: unknown;
    try {
      message = JSON.parse(line.toString('utf8'));
    } catch {
      this.onNoise(line);
      return;
    }
    if (typeof message !== 'object' || message === null || (message as { jsonrpc?: unknown }).jsonrpc !== '2.0') {
      this.onNoise(line);
      return;
    }
    const { id, method } = message as { id?: string | number; method?: unknown };
    const isAnswer = id !== undefined && method === undefined;
    if (isAnswer) this.open.delete(id);
    const deliver = (): void => this.onmessage?.(message as JSONRPCMessage);
    if (isAnswer && this.isProgressFresh) setImmediate(deliver);
    else deliver();
    if (method === 'notifications/progress' && !this.isProgressFresh) {
      this.isProgressFresh = true;
      setImmediate(() => (this.isProgressFresh = false));
    }
  }

  private onNoise(line: Buffer): void {
    const text = line.subarray(0, noiseShownMax).toString('utf8');
    this.firstNoise ??= text;
    this.child.stderr.push(`(on its output) ${text}`);
    if (++this.noise === noiseMax)
      void this.child.kill(`it prints what is not MCP: ${JSON.stringify(withoutSecrets(this.firstNoise).slice(0, 80))}`);
  }

  /** Who asked is told, where that is clear; else nobody knows which answer was lost, and all begin anew. */
  private onTooLong(): void {
    const because = `it answered with more than ${this.options.messageMaxBytes} bytes`;
    const [only] = this.open;
    if (this.open.size !== 1 || only === undefined) {
      void this.child.kill(because);
      return;
    }
    this.open.delete(only);
    this.onmessage?.({ jsonrpc: '2.0', id: only, error: { code: tooLongCode, message: because } });
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const { stdin } = this.child;
    if (this.isClosed || !this.child.isRunning) throw new Error('the server is not running');
    if (stdin.writableLength > waitingMaxBytes) {
      void this.child.kill('it does not read its input');
      throw new Error('the server does not read its input');
    }
    if ('method' in message && 'id' in message) this.open.add(message.id);
    if ('method' in message && message.method === 'notifications/cancelled')
      this.open.delete((message.params as { requestId: number }).requestId);
    // What is sent in one turn of the loop goes out as one write.
    if (stdin.writableCorked === 0) {
      stdin.cork();
      process.nextTick(() => stdin.uncork());
    }
    stdin.write(`${JSON.stringify(message)}\n`);
  }

  async close(): Promise<void> {
    await this.child.stop();
    this.onClosed();
  }

  private onClosed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.onclose?.();
  }
}

/** The code of the error that stands for an answer that was too long. */
export const tooLongCode = -32_098;
