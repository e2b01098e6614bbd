import { Injectable } from '@nestjs/common';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { SecretReader } from '@signalbox/shared/secrets/secret-reader.js';
import { log } from '@signalbox/shared/telemetry/log.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { RegistryConfig } from '../registry.config.ts';
import type { AppliedChannel } from './channel.ts';
import { HttpSender } from './http-sender.ts';
import { mailOf } from './mail.ts';
import { MailSender } from './mail-sender.ts';
import { outcomeOfFault, type Outcome } from './outcome.ts';
import { slackMessage } from './slack.ts';
import { teamsMessage } from './teams.ts';
import { webhookBody, webhookHeaders, type Delivery } from './webhook.ts';

/** Gives a message the form of its channel, and makes one attempt to send it with the secrets that who applied the channel may read. */
@Injectable()
export class ChannelSender {
  private readonly publicUrl: string;

  constructor(
    { signalboxPublicUrl }: RegistryConfig,
    private readonly bus: Bus,
    private readonly secrets: SecretReader,
    private readonly http: HttpSender,
    private readonly mail: MailSender,
  ) {
    this.publicUrl = signalboxPublicUrl;
  }

  async send(channel: AppliedChannel, delivery: Delivery): Promise<Outcome> {
    try {
      return await this.attempt(channel, delivery);
    } catch (thrown) {
      if (Fault.from(thrown).code === 'internal')
        log.error('a notification was not sent', { channel: channel.manifest.metadata.name, err: thrown });
      return outcomeOfFault(thrown);
    }
  }

  private async attempt({ manifest: { spec }, bearer }: AppliedChannel, delivery: Delivery): Promise<Outcome> {
    const caller = await this.bus.broker.callerOfGrant(bearer);
    const { message, id } = delivery;
    switch (spec.type) {
      case 'slack':
        return this.http.post(await this.value(caller, spec.url), JSON.stringify(slackMessage(message, this.publicUrl)));
      case 'teams':
        return this.http.post(await this.value(caller, spec.url), JSON.stringify(teamsMessage(message, this.publicUrl)));
      case 'webhook': {
        const body = webhookBody(delivery, this.publicUrl);
        const headers = webhookHeaders(await this.value(caller, spec.signingSecret), id, body, now());
        return this.http.post(await this.value(caller, spec.url), body, headers);
      }
      case 'email': {
        const { host, port, tls, from, to, user, password } = spec;
        const target = {
          ...{ host: host!, from: from!, to: to! },
          ...(port !== undefined && { port }),
          ...(tls !== undefined && { tls }),
          ...(user !== undefined && { user: await this.value(caller, user), password: await this.value(caller, password) }),
        };
        return this.mail.send(target, id, mailOf(message, this.publicUrl));
      }
    }
  }

  /** What a field's secret holds: which fields a type has, its manifest was checked for. */
  private async value(caller: Caller, reference: string | undefined): Promise<string> {
    return (await this.secrets.fill(caller, reference!)).trim();
  }
}
