import { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';

/** What waits is written when it has grown to this, so that a long turn of the event loop does not hold it all back. */
const gatheredMax = 65_536;

/** The client's own way to NATS, but with one write for all that one turn of the event loop has to say: each write is a system call. */
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

  private write(): void {
    const frames = this.gathered;
    if (frames.length === 0) return;
    this.gathered = [];
    this.bytes = 0;
    super.send(frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames));
  }
}
