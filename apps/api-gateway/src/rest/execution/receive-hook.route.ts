import { Controller, Headers, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { receiveHook, type ReceiveHookReply } from '@signalbox/shared/contracts/execution/receive-hook.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { idPattern } from '@signalbox/shared/ids/ids.js';
import { GuessLimit } from '../../auth/guess-limit.ts';
import { PublicRoute } from '../../auth/public-route.ts';
import { Operation } from '../../platform/operation.ts';
import { RateLimit } from '../../platform/rate-limit.ts';

/** Calls of all hooks that one address may make in 10 s. */
const callsMax = 200;
const hookPattern = idPattern('hook');

@Controller('api/v1/hooks')
export class ReceiveHookRoute {
  private readonly rate = new RateLimit(callsMax);

  constructor(
    private readonly bus: Bus,
    private readonly guesses: GuessLimit,
  ) {}

  @Post(':id')
  @PublicRoute()
  @Operation(receiveHook, {
    summary: 'Call a hook',
    description:
      'Takes no key: the body is signed with the secret of the trigger, in `X-Signalbox-Signature` (`t=<epoch seconds>,v1=<hex>`, HMAC-SHA-256 over `<t>.<X-Signalbox-Delivery>.<body>`) or, as GitHub does, in `X-Hub-Signature-256`. The same delivery again is the same run.',
    consumes: 'application/json',
    status: 202,
  })
  async handle(
    @Param('id') hook: string,
    @Headers() headers: Record<string, string | undefined>,
    @Req() request: FastifyRequest,
  ): Promise<ReceiveHookReply> {
    await this.rate.take(request.ip);
    const knock = `${request.ip} ${hook}`;
    await this.guesses.require(knock);
    const signature = headers['x-signalbox-signature'] ?? headers['x-hub-signature-256'];
    const delivery = headers['x-signalbox-delivery'] ?? headers['x-github-delivery'];
    const event = headers['x-signalbox-event'] ?? headers['x-github-event'];
    try {
      if (!hookPattern.test(hook)) throw unsigned();
      const body = Buffer.isBuffer(request.body) ? request.body.toString('base64') : '';
      return await this.bus.request(
        receiveHook,
        { hook, body, ...(signature && { signature }), ...(delivery && { delivery }), ...(event && { event }) },
        'service',
      );
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'unauthenticated')
        await this.guesses.count(knock, { kind: 'key', credential: signature ?? '' });
      throw thrown;
    }
  }
}

function unsigned(): Fault {
  return new Fault(
    'unauthenticated',
    'there is no such hook, or what was sent is not signed with its secret',
    'Check the address, the secret, the way of signing and the clock.',
  );
}
