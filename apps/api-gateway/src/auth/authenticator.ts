import { Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { IdentityBroker } from '@signalbox/shared/identity/identity-broker.js';
import { GatewayConfig } from '../gateway.config.ts';
import { canBeCredential, shownCredential } from './credential.ts';
import { GuessLimit } from './guess-limit.ts';
import { isUnsafe, requireOwnPage } from './own-page.ts';
import { cookieNameFor, type Outside } from './session-cookie.ts';

/** What is read of a request, of any door: Fastify's request has these fields. */
export interface IncomingCall {
  method: string;
  headers: IncomingHttpHeaders;
  /** The address that it comes from. */
  ip: string;
}

/** Tells who sends a request: the one way in of all doors. */
@Injectable()
export class Authenticator {
  readonly outside: Outside;

  constructor(
    private readonly broker: IdentityBroker,
    private readonly guesses: GuessLimit,
    config: GatewayConfig,
  ) {
    this.outside = { isTls: config.tlsCertFile !== '', publicUrl: config.publicUrl };
  }

  /**
   * The caller by API key or, in browsers, by session. `unauthenticated`, with one answer whatever is wrong with it; `forbidden` when a browser
   * was made to send it by another site; `limited` after too many guesses. A credential in use costs no question and no query.
   */
  async authenticate(call: IncomingCall): Promise<Caller> {
    const { headers } = call;
    const shown = shownCredential(headers, cookieNameFor(this.outside, headers));
    if (!shown) throw unauthenticated();
    if (shown.kind === 'session') this.requireOwnPage(call);
    const known = this.broker.callerIfKnown(shown.kind, shown.credential);
    if (known) return known;
    await this.guesses.require(call.ip);
    if (canBeCredential(shown) && !this.guesses.wasRefused(shown)) {
      try {
        return (await this.broker.callerOfCredential(shown.kind, shown.credential)).caller;
      } catch (thrown) {
        if (!(thrown instanceof Fault && thrown.code === 'unauthenticated')) throw thrown;
      }
    }
    await this.guesses.count(call.ip, shown);
    throw unauthenticated();
  }

  /** `forbidden` for what a browser was made to send by another site; asked before the body is read, and again with the credential. */
  refuseForeign(call: IncomingCall): void {
    if (shownCredential(call.headers, cookieNameFor(this.outside, call.headers))?.kind === 'session') this.requireOwnPage(call);
  }

  /** A cookie goes along by itself: what changes something, and a socket, which CORS does not guard, must come from one of our own pages. */
  private requireOwnPage(call: IncomingCall): void {
    if (call.headers.upgrade !== undefined)
      throw new Fault('forbidden', 'a socket is not opened by cookie', 'Send an API key in `Authorization`.');
    if (isUnsafe(call)) requireOwnPage(call, this.outside.publicUrl);
  }
}

/** The only answer to whoever is not known: it tells nothing of what is wrong. */
export function unauthenticated(): Fault {
  return new Fault('unauthenticated', 'this needs a valid API key or session', 'Send `Authorization: Bearer sbx_…`, or sign in.');
}
