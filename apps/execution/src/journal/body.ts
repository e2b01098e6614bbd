import { createHash } from 'node:crypto';
import type { Transition } from '@signalbox/workflow/core/events.js';
import { sizeOf, type Json } from '@signalbox/workflow/core/json.js';

/** Values larger than this stand beside the journal, once a run. */
const blobMin = 16_384;

/** A large value, kept beside the row. */
export interface Blob {
  sha256: Buffer;
  body: Buffer;
}

/** How a row refers to a blob; no transition has a field of this name. */
interface BlobRef {
  $blob: string;
}

/** Transitions as the bytes of a journal row, with what is large taken out. */
export function encodeBody(transitions: readonly Transition[]): { body: Buffer; blobs: Blob[] } {
  const blobs: Blob[] = [];
  const lighter = transitions.map((transition) => {
    if (transition.t === 'started') return lighten(transition, 'input', blobs);
    if (transition.t === 'succeeded' || transition.t === 'degraded' || transition.t === 'ended')
      return lighten(transition, 'output', blobs);
    return transition;
  });
  return { body: Buffer.from(JSON.stringify(lighter)), blobs };
}

function lighten(transition: Transition, field: 'input' | 'output', blobs: Blob[]): Transition {
  const value = (transition as unknown as Record<string, Json | undefined>)[field];
  if (value === undefined || sizeOf(value, blobMin) <= blobMin) return transition;
  const body = Buffer.from(JSON.stringify(value));
  const sha256 = createHash('sha256').update(body).digest();
  if (!blobs.some((blob) => blob.sha256.equals(sha256))) blobs.push({ sha256, body });
  return { ...transition, [field]: { $blob: sha256.toString('hex') } satisfies BlobRef, isBlob: true } as unknown as Transition;
}

type Stored = Transition & { isBlob?: true };

/** The transitions of a row. `blobs`: what was taken out, by the hex of its hash. */
export function decodeBody(body: Buffer, blobs: ReadonlyMap<string, Json>): Transition[] {
  const stored = JSON.parse(body.toString('utf8')) as Stored[];
  return stored.map((transition) => {
    if (transition.isBlob !== true) return transition;
    const field = transition.t === 'started' ? 'input' : 'output';
    const { isBlob: _, ...rest } = transition;
    const { $blob } = (rest as unknown as Record<string, BlobRef>)[field] as BlobRef;
    const value = blobs.get($blob);
    if (value === undefined) throw new Error(`the blob ${$blob} of a journal row is missing`);
    return { ...rest, [field]: value };
  });
}
