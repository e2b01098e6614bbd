import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SignatureKind } from './trigger.ts';

/** How far a sender's clock may be off, and how long what it signed can be sent. */
const toleranceMs = 300_000;

/** What a hook was sent, as far as it is signed. */
export interface Signed {
  body: Buffer;
  /** `X-Signalbox-Signature` or `X-Hub-Signature-256`. */
  signature: string | undefined;
  /** What the sender calls this delivery; empty: nothing. */
  delivery: string;
}

/**
 * Whether the sender knows the secret. `signalbox`: `t=<epoch seconds>,v1=<hex>`, HMAC-SHA-256 over `<t>.<delivery>.<body>`, at most five minutes
 * old; `github`: `sha256=<hex>`, over the body.
 */
export function isSigned(kind: SignatureKind, secret: string, { body, signature = '', delivery }: Signed, atMs: number): boolean {
  if (kind === 'github') {
    const [, hex] = /^sha256=([0-9a-f]{64})$/.exec(signature) ?? [];
    return hex !== undefined && isEqual(hex, createHmac('sha256', secret).update(body));
  }
  const [, seconds, hex] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  if (seconds === undefined || hex === undefined || Math.abs(Number(seconds) * 1_000 - atMs) > toleranceMs) return false;
  return isEqual(hex, createHmac('sha256', secret).update(`${seconds}.${delivery}.`).update(body));
}

function isEqual(hex: string, hmac: ReturnType<typeof createHmac>): boolean {
  return timingSafeEqual(Buffer.from(hex, 'hex'), hmac.digest());
}
