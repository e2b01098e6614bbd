import type { Severity } from './incidents.ts';
import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type NotificationKind = 'events' | 'digest' | 'review';

/** Hours in which nothing is sent; `from` and `to` are `HH:MM`. */
export interface QuietHours {
  from: string;
  to: string;
  days?: string[];
  timeZone?: string;
  /** `through` if absent: what is critical is sent. */
  critical?: 'through' | 'wait';
}

/** `spec` of a manifest of kind NotificationRule: one of `events`, `digest` and `review`. */
export interface NotificationRuleSpec {
  channels: string[];
  /** As `incident.escalated`, or all of a kind: `incident.*`. */
  events?: string[];
  digest?: { cron?: string; timeZone?: string; sections?: ('deployed' | 'blocked' | 'failed' | 'decisions')[]; evenIfEmpty?: boolean };
  review?: { cron?: string; timeZone?: string; evenIfEmpty?: boolean };
  minSeverity?: Severity;
  agents?: string[];
  /** Of incidents that one of these looks after alone: who is on call, else the owner. */
  people?: string[];
  labels?: Labels;
  group?: { by?: 'subject' | 'agent' | 'event' | 'rule'; windowMs?: number };
  rate?: { max: number; perMs: number };
  quietHours?: QuietHours[];
}

/** What is told to which channels, and when. */
export interface NotificationRule {
  name: string;
  description: string;
  labels: Labels;
  kind: NotificationKind;
  channels: string[];
  events: string[];
  /** When the next digest or review is due. */
  nextAt: string | null;
  appliedBy: string;
  version: number;
  updatedAt: string;
}

/** `/notification-rules`. */
export class NotificationRules {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** By name. */
  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<NotificationRule> {
    return new Pages(this.#http, '/notification-rules', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<NotificationRule & { manifest: Manifest<NotificationRuleSpec> }> {
    return this.#http.json({ method: 'GET', path: path`/notification-rules/${name}`, ...options });
  }

  apply(
    manifest: Manifest<NotificationRuleSpec>,
    query: ApplyQuery = {},
    options: RequestOptions = {},
  ): Promise<Applied<NotificationRule>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/notification-rules/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  /** Sends its digest or review now; how many messages that are. */
  run(name: string, options: RequestOptions = {}): Promise<{ name: string; messages: number }> {
    return this.#http.json({ method: 'POST', path: path`/notification-rules/${name}/run`, body: {}, ...options });
  }

  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/notification-rules/${name}`, ...options });
  }
}
