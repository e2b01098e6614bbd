import { createHash } from 'node:crypto';
import { chunkBytes } from '@signalbox/shared/bus/stream.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** What an artifact is told to be, its run as a UUID. */
export interface ArtifactIntent {
  name: string;
  mediaType: string;
  run: string | null;
  step: string | null;
  idempotencyKey: string | null;
}

/** An artifact as it is kept. */
export interface StoredArtifact extends Omit<ArtifactIntent, 'idempotencyKey'> {
  id: string;
  size: number;
  sha256: Buffer;
  createdAt: Date;
  createdBy: string;
}

/** Bytes of a message's `content`. `invalid` when they are not what `encoding` says. */
export function contentBytes(content: string, encoding: 'utf8' | 'base64'): Buffer {
  const bytes = Buffer.from(content, encoding);
  if (encoding === 'base64' && bytes.toString('base64') !== content) {
    throw new Fault('invalid', 'the content is not base64', 'Encode it with padding and without line breaks, or send it as utf8.', {
      errors: [{ pointer: '/content', detail: 'must be base64' }],
    });
  }
  return bytes;
}

/** `limited` when an artifact of this size is not kept here. */
export function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes) {
    throw new Fault('limited', `an artifact has at most ${maxBytes} bytes`, 'Split it, or have ARTIFACT_MAX_BYTES raised.', {
      status: 413,
    });
  }
}

/** `limited` when a part with this number would make the artifact too large. */
export function checkPart(index: number, bytes: number, maxBytes: number): void {
  checkSize(index * chunkBytes + bytes, maxBytes);
}

/** Counts and hashes parts as they are read back; `invalid` at the first that does not fit. */
export class PartsCheck {
  private readonly hash = createHash('sha256');
  private expected = 0;
  size = 0;

  constructor(private readonly count: number) {}

  take(index: number, bytes: Buffer): void {
    if (index !== this.expected) throw missing(this.expected);
    if (index < this.count - 1 && bytes.length !== chunkBytes) {
      throw new Fault(
        'invalid',
        `part ${index} has ${bytes.length} bytes; only the last may have fewer than ${chunkBytes}`,
        'Upload it anew.',
      );
    }
    this.expected++;
    this.size += bytes.length;
    this.hash.update(bytes);
  }

  /** The content's hash, when all parts came and it is the one that the sender counted. */
  end(claimed: string | undefined): Buffer {
    if (this.expected < this.count) throw missing(this.expected);
    const sha256 = this.hash.digest();
    if (claimed !== undefined && claimed !== sha256.toString('hex')) {
      throw new Fault('invalid', 'the content that came has another SHA-256 than was said', 'Upload it anew.', {
        errors: [{ pointer: '/sha256', detail: `is ${sha256.toString('hex')} here` }],
      });
    }
    return sha256;
  }
}

function missing(index: number): Fault {
  return new Fault('invalid', `part ${index} did not come`, 'Send the parts that are missing, then finish again.');
}

/** Whether a stored artifact is what a repeated request asks for. */
export function isSameArtifact(stored: StoredArtifact, intent: ArtifactIntent, sha256: Buffer): boolean {
  return (
    stored.name === intent.name &&
    stored.mediaType === intent.mediaType &&
    stored.run === intent.run &&
    stored.step === intent.step &&
    stored.sha256.equals(sha256)
  );
}
