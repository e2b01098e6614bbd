import { sizeOf, type Json } from '../core/json.ts';

/** A value that may be shown: what is larger than `maxBytes` becomes its size and its beginning. */
export function cut(value: Json | undefined, maxBytes: number): unknown {
  if (value === undefined) return null;
  if (sizeOf(value, maxBytes) <= maxBytes) return value;
  const text = JSON.stringify(value);
  return { truncated: true, bytes: Buffer.byteLength(text), preview: text.slice(0, Math.min(1_024, maxBytes)) };
}
