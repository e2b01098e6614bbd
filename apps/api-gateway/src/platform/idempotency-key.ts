import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** `Idempotency-Key` of a create (draft-ietf-httpapi-idempotency-key-header): 1 to 128 visible ASCII characters. */
export const IdempotencyKey = createParamDecorator(idempotencyKeyOf);

/** The header's value. `invalid` when it is not usable. */
export function idempotencyKeyOf(_: unknown, host: ExecutionContext): string | undefined {
  const given = host.switchToHttp().getRequest<FastifyRequest>().headers['idempotency-key'];
  if (given === undefined) return undefined;
  if (typeof given === 'string' && /^[\x21-\x7e]{1,128}$/.test(given)) return given;
  throw new Fault('invalid', 'the Idempotency-Key is not usable', 'Send 1 to 128 visible ASCII characters, as a UUID.', {
    errors: [{ pointer: '/Idempotency-Key', detail: 'must be 1 to 128 visible ASCII characters' }],
  });
}
