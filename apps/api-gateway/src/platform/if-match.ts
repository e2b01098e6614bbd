import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** The version in `If-Match: "7"`; undefined without the header. `invalid` for what is no quoted ETag of ours. */
export const IfMatch = createParamDecorator(ifMatchOf);

/** The header's version, see `IfMatch`. */
export function ifMatchOf(options: { required?: boolean } | undefined, host: ExecutionContext): number | undefined {
  const given = host.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
  if (given === undefined) {
    if (!options?.required) return undefined;
    throw new Fault('invalid', 'this change needs the version that you saw', 'Read it, then send its ETag as If-Match.', { status: 428 });
  }
  const match = /^"(\d{1,15})"$/.exec(given);
  if (!match) {
    throw new Fault('invalid', 'If-Match is not an ETag of this API', 'Send the ETag as it was given, in double quotes.', {
      errors: [{ pointer: '/If-Match', detail: 'must be a quoted version, as "7"' }],
    });
  }
  return Number(match[1]);
}

/** The quoted ETag of a version. */
export function etagOf(version: number): string {
  return `"${version}"`;
}
