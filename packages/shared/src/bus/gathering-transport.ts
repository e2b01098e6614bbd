import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';

/** What waits is written when it has grown to this, so that a long turn of the event loop does not hold it all back. */
const gatheredMax = 65_536;

/**
 * The client's own way to NATS, but with one write for all that one turn of the event loop has to say: each write is a system call. Nor does it make
 * promises that nobody waits for, of which the client's has several for each read and write.
 */
export class GatheringTransport extends NodeTransport {
  private gathered: Uint8Array[] = [];
  private bytes = 0;

  override send(frame: Uint8Array): void {
    if (this.gathered.push(frame) === 1) setImmediate(() => this.write());
    this.bytes += frame.length;
    if (this.bytes >= gatheredMax) this.write();
  }

  /** The last word before the connection closes: what waits goes before it. */
  override _send(frame: Uint8Array): Promise<void> {
    this.write();
    return super._send(frame);
  }

  /** What is read, as it comes: what comes before it is asked for waits in `yields`, where the client's handlers put it. */
  override [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    let asking: ((read: IteratorResult<Uint8Array, undefined>) => void) | undefined;
    const read = (): IteratorResult<Uint8Array, undefined> => ({ done: false, value: this.yields.shift() as Uint8Array });
    const hear = (): void => {
      if (this.yields.length > 0) asking?.(read());
      asking = undefined;
    };
    // The client's handlers call it for each read.
    this.signal = Object.assign(Promise.resolve(), { resolve: hear, reject: hear });
    const next = (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (this.yields.length > 0) return Promise.resolve(read());
      if (this.isClosed) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => (asking = resolve));
    };
    const reads: AsyncIterableIterator<Uint8Array> = { next, [Symbol.asyncIterator]: () => reads };
    return reads;
  }

  private write(): void {
    const frames = this.gathered;
    if (frames.length === 0) return;
    this.gathered = [];
    this.bytes = 0;
    // What cannot be written is noticed where the connection is read.
    if (!this.isClosed) this.socket?.write(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames));
  }
}
