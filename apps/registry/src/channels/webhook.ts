import { Fault } from '@signalbox/shared/errors/fault.js';
import { Webhook } from 'standardwebhooks';
import { urlOf, type Message } from '../notifications/message.ts';
import type { Notice } from '../notifications/notice.ts';

/** One message on its way. */
export interface Delivery {
  /** `ntf_…`, the same at each attempt. */
  id: string;
  rule: string | null;
  /** When it was begun, in epoch milliseconds. */
  at: number;
  message: Message;
  /** The events of it that are kept, and how many there were. */
  notices: readonly Notice[];
  events: number;
}

/** Standard Webhooks asks for 24 to 64 bytes. */
const keyBytes = { min: 24, max: 64 };

/** The body of a webhook: `type`, `timestamp` and `data`, as Standard Webhooks has it. */
export function webhookBody({ id, rule, at, message, notices, events }: Delivery, publicUrl: string): string {
  const { kind, title, severity, text, facts, sections, path } = message;
  const [first] = notices;
  const type = kind !== 'events' ? `notification.${kind}` : events === 1 && first !== undefined ? first.event : 'notification.group';
  return JSON.stringify({
    type,
    timestamp: new Date(at).toISOString(),
    data: {
      id,
      rule,
      title,
      severity,
      text,
      facts,
      url: urlOf(publicUrl, path),
      ...(kind === 'events'
        ? {
            events: notices.map(({ path: where, at: when, ...notice }) => ({
              ...notice,
              url: urlOf(publicUrl, where),
              at: new Date(when).toISOString(),
            })),
            more: events - notices.length,
          }
        : {
            sections: sections.map(({ title: name, lines, more }) => ({
              title: name,
              lines: lines.map((line) => ({ text: line.text, url: line.path === undefined ? null : urlOf(publicUrl, line.path) })),
              more,
            })),
          }),
    },
  });
}

/** The headers by which a receiver knows who sent the body, and that it had it already. `invalid` for a key that is none. */
export function webhookHeaders(key: string, id: string, body: string, now: number): Record<string, string> {
  const at = new Date(now);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': signerOf(key).sign(id, at, body),
  };
}

function signerOf(key: string): Webhook {
  const text = key.trim();
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64').length;
  try {
    if (bytes >= keyBytes.min && bytes <= keyBytes.max) return new Webhook(text);
  } catch (cause) {
    throw badKey(cause);
  }
  throw badKey();
}

function badKey(cause?: unknown): Fault {
  return new Fault(
    'invalid',
    'what signingSecret names is no key of Standard Webhooks: set the secret to `whsec_` and base64 of 24 to 64 bytes',
    'Make one as by: echo whsec_$(openssl rand -base64 32)',
    { cause },
  );
}
