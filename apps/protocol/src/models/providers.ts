import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import OpenAI from 'openai';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { Outbound } from '@signalbox/shared/outbound/outbound.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { keepHeadersOut } from '@signalbox/shared/secrets/live-secrets.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { ProtocolConfig } from '../protocol.config.ts';
import type { LlmSpec } from '../targets/agent-spec.ts';

/** Where the official client goes without a base URL. */
const openaiUrl = 'https://api.openai.com/v1';
/** A model's whole stream. */
const streamMaxBytes = 64 * 1024 * 1024;
/** A model may think this long without a word. */
const idleMs = 300_000;

/** Clients of the model providers. Keys never leave this service, and go only where they belong. */
@Injectable()
export class Providers implements BeforeApplicationShutdown {
  private readonly named: Outbound;
  private readonly default: Outbound | null;

  constructor(
    private readonly config: ProtocolConfig,
    private readonly secrets: SecretReader,
  ) {
    keepHeadersOut({ Authorization: config.openaiApiKey });
    const limits = { maxBytes: streamMaxBytes, timeoutMs: Infinity, idleMs };
    this.named = new Outbound({ allowInternal: config.outboundAllowInternal, ...limits });
    // The administrator who named the provider has allowed its host, for this purpose alone.
    this.default = this.hasDefault
      ? new Outbound({ allowInternal: [...config.outboundAllowInternal, hostOf(this.defaultUrl)], ...limits })
      : null;
  }

  /** Whether a provider is configured. */
  get hasDefault(): boolean {
    return this.config.openaiApiKey !== '' || this.config.openaiBaseUrl !== '';
  }

  private get defaultUrl(): string {
    return this.config.openaiBaseUrl || openaiUrl;
  }

  /** The provider `default`. `invalid` when there is none. */
  defaultClient(): OpenAI {
    if (!this.default) {
      throw new Fault(
        'invalid',
        'no model provider is configured',
        'Set OPENAI_API_KEY or OPENAI_BASE_URL, or name a provider in the agent.',
      );
    }
    return client(this.defaultUrl, this.config.openaiApiKey, this.default);
  }

  /** The client that an agent's specification asks for, with the key as it is now. */
  async clientOf({ provider }: LlmSpec, caller: Caller): Promise<OpenAI> {
    if (!provider) return this.defaultClient();
    const { baseUrl, apiKey = '' } = provider;
    if (apiKey === 'env') {
      // Whoever may write a manifest may not have the administrator's key sent to a host of his choice.
      if (this.default && originOf(baseUrl) === originOf(this.defaultUrl)) return client(baseUrl, this.config.openaiApiKey, this.default);
      throw new Fault(
        'forbidden',
        'the key of the environment goes to the provider of the environment alone',
        'Leave `provider` out, or set OPENAI_BASE_URL to its host.',
      );
    }
    const { Authorization } = await this.secrets.fillHeaders(caller, { Authorization: apiKey });
    return client(baseUrl, Authorization!, this.named);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.named.close(), this.default?.close()]);
  }
}

/** Retries are execution's: a step is tried again only where its policy allows it. */
function client(baseURL: string, apiKey: string, outbound: Outbound): OpenAI {
  return new OpenAI({
    baseURL,
    apiKey: apiKey || 'none',
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: 2_147_483_647,
    fetch: outbound.fetch,
  });
}

function originOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).origin : null;
}

function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
}
