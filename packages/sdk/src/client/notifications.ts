import type { Severity } from './incidents.ts';
import type { NotificationKind } from './notification-rules.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type NotificationStatus = 'waiting' | 'sent' | 'dead';

/** One message to one channel. */
export interface Notification {
  id: string;
  rule: string;
  channel: string;
  kind: NotificationKind;
  title: string;
  severity: Severity;
  events: number;
  status: NotificationStatus;
  attempts: number;
  /** Why the last attempt failed. */
  failure: string | null;
  nextAt: string | null;
  createdAt: string;
  endedAt: string | null;
}

export interface NotificationQuery extends ListQuery {
  status?: NotificationStatus | undefined;
  channel?: string | undefined;
  rule?: string | undefined;
}

/** `/notifications`: what was sent, waits, or was given up. */
export class Notifications {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** The newest first. */
  list(query: NotificationQuery = {}, options: RequestOptions = {}): Pages<Notification> {
    return new Pages(this.#http, '/notifications', query, options);
  }

  /** Sends one again that was given up, under its own identifier. */
  retry(id: string, options: RequestOptions = {}): Promise<Notification> {
    return this.#http.json({ method: 'POST', path: path`/notifications/${id}/retry`, body: {}, ...options });
  }
}
