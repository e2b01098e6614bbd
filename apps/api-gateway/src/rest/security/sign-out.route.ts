import { Controller, Delete, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { endSession, EndSessionReply } from '@signalbox/shared/contracts/security/end-session.js';
import { Authenticator } from '../../auth/authenticator.ts';
import { cookieOf } from '../../auth/credential.ts';
import { requireOwnPage } from '../../auth/own-page.ts';
import { PublicRoute } from '../../auth/public-route.ts';
import { cookieNameFor, forgottenCookie } from '../../auth/session-cookie.ts';
import { Operation } from '../../platform/operation.ts';

@Controller('api/v1/session')
export class SignOutRoute {
  constructor(
    private readonly bus: Bus,
    private readonly authenticator: Authenticator,
  ) {}

  /** Public, so that a browser whose session has ended can still forget it. */
  @Delete()
  @PublicRoute()
  @Operation(endSession, { summary: 'Sign the browser out', reply: EndSessionReply })
  async handle(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<EndSessionReply> {
    const { outside } = this.authenticator;
    const { headers } = request;
    requireOwnPage(request, outside.publicUrl);
    const session = cookieOf(headers.cookie, cookieNameFor(outside, headers));
    void reply.header('set-cookie', forgottenCookie(outside, headers));
    return session === null ? { ended: false } : this.bus.request(endSession, { session: session.slice(0, 512) }, 'service');
  }
}
