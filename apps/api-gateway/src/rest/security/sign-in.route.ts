import { Body, Controller, Post, Req, Res } from '@nestjs/common';
import { IsISO8601, IsString, MaxLength } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { createSession } from '@signalbox/shared/contracts/security/create-session.js';
import { endSession } from '@signalbox/shared/contracts/security/end-session.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { now } from '@signalbox/shared/telemetry/clock.js';
import { Authenticator, unauthenticated } from '../../auth/authenticator.ts';
import { canBeCredential, cookieOf, type ShownCredential } from '../../auth/credential.ts';
import { GuessLimit } from '../../auth/guess-limit.ts';
import { requireOwnPage } from '../../auth/own-page.ts';
import { PublicRoute } from '../../auth/public-route.ts';
import { cookieNameFor, sessionCookie } from '../../auth/session-cookie.ts';
import { Operation } from '../../platform/operation.ts';

class SignInBody {
  /** The API key, used once: the browser keeps a session instead. */
  @IsString() @MaxLength(512) key!: string;
}

class SignInReply {
  /** When the session ends in any case; 30 min without use end it earlier. */
  @IsISO8601() expiresAt!: string;
}

@Controller('api/v1/session')
export class SignInRoute {
  constructor(
    private readonly bus: Bus,
    private readonly authenticator: Authenticator,
    private readonly guesses: GuessLimit,
  ) {}

  @Post()
  @PublicRoute()
  @Operation(createSession, {
    summary: 'Sign a browser in',
    description: 'Trades a key for a session in an HttpOnly cookie. Only for pages of the installation itself.',
    body: SignInBody,
    reply: SignInReply,
    status: 201,
  })
  async handle(
    @Body() { key }: SignInBody,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignInReply> {
    const { outside } = this.authenticator;
    const { headers } = request;
    requireOwnPage(request, outside.publicUrl); // else another site signs its visitors in as somebody of its choice
    sessionCookie(outside, headers, '', 0); // refuses where it could not be kept, before the key is used
    await this.guesses.require(request.ip);
    const { session, expiresAt } = await this.trade({ kind: 'key', credential: key }, request.ip);
    const old = cookieOf(headers.cookie, cookieNameFor(outside, headers));
    if (old !== null) await this.bus.request(endSession, { session: old.slice(0, 512) }, 'service').catch(() => undefined); // it ends by itself
    void reply.header('set-cookie', sessionCookie(outside, headers, session, Math.floor((expiresAt - now()) / 1_000)));
    return { expiresAt: new Date(expiresAt).toISOString() };
  }

  private async trade(shown: ShownCredential, address: string): Promise<{ session: string; expiresAt: number }> {
    try {
      if (canBeCredential(shown)) return await this.bus.request(createSession, { key: shown.credential }, 'service');
    } catch (thrown) {
      if (!(thrown instanceof Fault && thrown.code === 'unauthenticated')) throw thrown;
    }
    await this.guesses.count(address, shown);
    throw unauthenticated();
  }
}
