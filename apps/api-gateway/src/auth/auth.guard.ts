import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '@signalbox/shared/identity/caller.js';
import { GatewayConfig } from '../gateway.config.ts';
import { RateLimit } from '../platform/rate-limit.ts';
import { Authenticator } from './authenticator.ts';
import { publicRouteKey } from './public-route.ts';

/** Denies every request of nobody known, whatever its path: only routes that say so are public. Sets `request.caller`. */
@Injectable()
export class AuthGuard implements CanActivate {
  private readonly rate: RateLimit;

  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    config: GatewayConfig,
  ) {
    this.rate = new RateLimit(config.rateMax);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return true; // the bus checks identities itself
    if (this.reflector.getAllAndOverride<boolean | undefined>(publicRouteKey, [context.getHandler(), context.getClass()])) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest & { caller?: Caller }>();
    const caller = await this.authenticator.authenticate(request);
    await this.rate.take(`${caller.workspace} ${caller.principal}`);
    request.caller = caller;
    return true;
  }
}
