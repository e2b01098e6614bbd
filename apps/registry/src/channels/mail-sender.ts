import { Injectable } from '@nestjs/common';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { AllowList } from '@signalbox/shared/outbound/address.js';
import { connectGuarded } from '@signalbox/shared/outbound/guarded-socket.js';
import { createTransport } from 'nodemailer';
import type { Socket } from 'node:net';
import type { ChannelSpec } from '../manifests/manifest.ts';
import { RegistryConfig } from '../registry.config.ts';
import type { Mail } from './mail.ts';
import { failed, type Outcome } from './outcome.ts';

export type MailTarget = Required<Pick<ChannelSpec, 'host' | 'from' | 'to'>> &
  Pick<ChannelSpec, 'port' | 'tls'> & { user?: string | undefined; password?: string | undefined };

const answerMax = 200;

/** Sends mail by SMTP, through the guard of addresses, by TLS unless an administrator lists the host. */
@Injectable()
export class MailSender {
  private readonly listed: AllowList;
  private readonly timeoutMs: number;

  constructor({ outboundAllowInternal, notificationTimeoutMs }: RegistryConfig) {
    this.listed = new AllowList(outboundAllowInternal);
    this.timeoutMs = notificationTimeoutMs;
  }

  /** `id` is the same at each attempt: servers that know it drop the second. Throws a Fault where nobody may be asked. */
  async send(target: MailTarget, id: string, mail: Mail): Promise<Outcome> {
    const { host, tls = 'starttls', from, to, user, password } = target;
    const port = target.port ?? (tls === 'implicit' ? 465 : 587);
    if (tls === 'none' && !this.listed.allowsHost(host, port) && !this.listed.allowsAddress(host, port)) {
      throw new Fault(
        'forbidden',
        'mail without TLS goes to listed hosts alone',
        'Use TLS, or have an administrator add the host to OUTBOUND_ALLOW_INTERNAL.',
      );
    }
    let socket: Socket | undefined;
    // A server that says a little now and then would keep us for ever.
    const late = Promise.withResolvers<Outcome>();
    const timer = setTimeout(() => late.resolve(failed('the mail server did not take the mail in time')), this.timeoutMs);
    const { timeoutMs } = this;
    const transport = createTransport({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      tls: { minVersion: 'TLSv1.2' },
      ...(user !== undefined && password !== undefined && { auth: { user, pass: password } }),
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
      getSocket: (_options: unknown, callback: (error: Error | null, socket?: { connection: Socket }) => void) => {
        connectGuarded(host, port, this.listed, timeoutMs).then(
          (connection) => {
            socket = connection;
            callback(null, { connection });
          },
          (error: unknown) => callback(error as Error),
        );
      },
    });
    try {
      const message = { from, to, messageId: `<${id}@signalbox>`, ...mail, headers: { 'auto-submitted': 'auto-generated' } };
      return await Promise.race([transport.sendMail(message).then(() => ({ sent: true }) as const, outcomeOfSmtp), late.promise]);
    } finally {
      clearTimeout(timer);
      transport.close();
      socket?.destroy();
    }
  }
}

/** What went wrong with the server, as nodemailer says it. Codes: RFC 5321, 4.2.1. */
function outcomeOfSmtp(thrown: unknown): Outcome {
  if (thrown instanceof Fault) throw thrown;
  const {
    code = '',
    responseCode,
    response,
    command,
  } = thrown as { code?: string; responseCode?: number; response?: string; command?: string };
  if (responseCode !== undefined && responseCode >= 400) {
    const at = command === undefined ? '' : ` to ${command}`;
    return failed(`the mail server answered${at}: ${(response ?? String(responseCode)).slice(0, answerMax)}`, {
      isFinal: responseCode >= 500,
    });
  }
  if (code === 'ETLS') return failed('the mail server offers no TLS that can be used');
  if (/certificate|CERT|ALTNAME/.test(`${code} ${(thrown as Error).message}`))
    return failed('the certificate of the mail server is not trusted');
  return failed('the mail server cannot be reached, or broke off');
}
