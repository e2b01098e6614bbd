import { Fault } from '@signalbox/shared/errors/fault.js';
import { withoutSecrets } from '@signalbox/shared/secrets/live-secrets.js';

/** What became of one attempt. */
export type Outcome =
  | { sent: true }
  | {
      sent: false;
      /** One sentence, without addresses and credentials. */
      reason: string;
      /** Trying again would not help. */
      isFinal: boolean;
      /** The receiver wants nothing any more. */
      isGone: boolean;
      /** When the receiver wants to be asked again, in milliseconds. */
      retryAfterMs?: number;
    };

const reasonMax = 500;
const retryAfterMaxMs = 3_600_000;

export function failed(reason: string, more: { isFinal?: boolean; isGone?: boolean; retryAfterMs?: number } = {}): Outcome {
  const { isFinal = false, isGone = false, retryAfterMs } = more;
  return {
    sent: false,
    reason: withoutSecrets(reason).slice(0, reasonMax),
    isFinal: isFinal || isGone,
    isGone,
    ...(retryAfterMs !== undefined && { retryAfterMs: Math.min(retryAfterMs, retryAfterMaxMs) }),
  };
}

/** What the receiver's status means. Nothing of its body is told: it is not ours. */
export function outcomeOfStatus(status: number, retryAfter: string | null, now: number): Outcome {
  if (status >= 200 && status < 300) return { sent: true };
  const reason = `the receiver answered ${status}`;
  // Standard Webhooks: 410 asks for no further ones, and a redirect is a failure.
  if (status === 410) return failed(`${reason}: it is gone`, { isGone: true });
  if (status >= 300 && status < 400) return failed(`${reason}: it leads elsewhere; use the address that it leads to`, { isFinal: true });
  const isLater = status >= 500 || [408, 425, 429].includes(status);
  const retryAfterMs = retryAfterOf(retryAfter, now);
  return failed(reason, { isFinal: !isLater, ...(retryAfterMs !== null && { retryAfterMs }) });
}

/** RFC 9110, 10.2.3: seconds, or a date. */
function retryAfterOf(text: string | null, now: number): number | null {
  if (text === null) return null;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) || ms < 0 ? null : ms;
}

/** What was thrown on the way to the receiver. A secret that is missing is waited for: somebody may set it. */
export function outcomeOfFault(thrown: unknown): Outcome {
  const { code, detail } = Fault.from(thrown);
  if (code === 'unauthenticated') return failed('who applied the channel may do nothing any more: apply it again');
  return failed(detail, { isFinal: code === 'forbidden' || (code === 'invalid' && !/secret/.test(detail)) });
}
