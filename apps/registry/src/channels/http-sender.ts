import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { AllowList } from '@signalbox/shared/outbound/address.js';
import { Outbound } from '@signalbox/shared/outbound/outbound.js';
import { outboundUrl } from '@signalbox/shared/outbound/redirect.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { RegistryConfig } from '../registry.config.ts';
import { outcomeOfStatus, type Outcome } from './outcome.ts';

/** Nothing is read of an answer but its status. */
const answerMaxBytes = 64 * 1024;

/** Posts JSON to a receiver, through the guard of addresses, by TLS unless an administrator lists the host. */
@Injectable()
export class HttpSender implements BeforeApplicationShutdown {
  private readonly outbound: Outbound;
  private readonly listed: AllowList;

  constructor({ outboundAllowInternal, notificationTimeoutMs }: RegistryConfig) {
    this.outbound = new Outbound({
      allowInternal: outboundAllowInternal,
      maxBytes: answerMaxBytes,
      timeoutMs: notificationTimeoutMs,
      idleMs: notificationTimeoutMs,
    });
    this.listed = new AllowList(outboundAllowInternal);
  }

  /** Throws a Fault where nobody answered, or nobody may be asked. */
  async post(address: string, body: string, headers: Record<string, string> = {}): Promise<Outcome> {
    const url = outboundUrl(address.trim());
    if (url.protocol !== 'https:' && !this.isListed(url)) {
      throw new Fault(
        'forbidden',
        'the address is not https',
        'Use https, or have an administrator add the host to OUTBOUND_ALLOW_INTERNAL.',
      );
    }
    const response = await this.outbound.fetch(url, {
      method: 'POST',
      headers: { accept: '*/*', 'content-type': 'application/json', ...headers },
      body,
      redirect: 'manual',
    });
    await response.body?.cancel();
    return outcomeOfStatus(response.status, response.headers.get('retry-after'), now());
  }

  private isListed({ hostname, port }: URL): boolean {
    const host = hostname.replace(/^\[|\]$/g, '');
    const number = Number(port === '' ? 80 : port);
    return this.listed.allowsHost(host, number) || this.listed.allowsAddress(host, number);
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.outbound.close();
  }
}
