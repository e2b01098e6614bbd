import { Pages } from './pages.ts';
import type { ListQuery } from './pages.ts';
import type { Applied, ApplyQuery, Labels, Manifest } from './schema.ts';
import { path } from './transport.ts';
import type { RequestOptions, Transport } from './transport.ts';

export type ChannelType = 'slack' | 'teams' | 'email' | 'webhook';

/** `spec` of a manifest of kind Channel. Addresses and credentials are `secret://NAME`. */
export interface ChannelSpec {
  type: ChannelType;
  /** With slack, teams and webhook. */
  url?: string;
  /** With webhook. */
  signingSecret?: string;
  /** With email, as all that follows. */
  host?: string;
  port?: number;
  tls?: 'starttls' | 'implicit' | 'none';
  user?: string;
  password?: string;
  from?: string;
  to?: string[];
}

/** Where notifications go. */
export interface Channel {
  name: string;
  description: string;
  labels: Labels;
  type: ChannelType;
  /** Names of the secrets that it needs. */
  secrets: string[];
  /** `paused`: the receiver said that it is gone. */
  state: 'active' | 'paused';
  stateReason: string | null;
  appliedBy: string;
  lastSentAt: string | null;
  lastFailure: string | null;
  version: number;
  updatedAt: string;
}

/** `/channels`: Slack, Teams, mail and webhooks. */
export class Channels {
  readonly #http: Transport;

  constructor(http: Transport) {
    this.#http = http;
  }

  /** By name. */
  list(query: ListQuery = {}, options: RequestOptions = {}): Pages<Channel> {
    return new Pages(this.#http, '/channels', query, options);
  }

  get(name: string, options: RequestOptions = {}): Promise<Channel & { manifest: Manifest<ChannelSpec> }> {
    return this.#http.json({ method: 'GET', path: path`/channels/${name}`, ...options });
  }

  /** Creates or replaces the channel; a paused one sends again. */
  apply(manifest: Manifest<ChannelSpec>, query: ApplyQuery = {}, options: RequestOptions = {}): Promise<Applied<Channel>> {
    return this.#http.json({
      method: 'PUT',
      path: path`/channels/${manifest.metadata.name}`,
      query: { ...query },
      body: manifest,
      ...options,
    });
  }

  /** Takes it away, with what waits for it; refused while a rule names it. */
  remove(name: string, options: RequestOptions = {}): Promise<void> {
    return this.#http.json({ method: 'DELETE', path: path`/channels/${name}`, ...options });
  }

  /** Sends a message that says it is a test. Rejects with why it was not taken. */
  test(name: string, options: RequestOptions = {}): Promise<{ name: string; tookMs: number }> {
    return this.#http.json({ method: 'POST', path: path`/channels/${name}/test`, body: {}, ...options });
  }
}
