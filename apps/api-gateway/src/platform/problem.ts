import type { FastifyReply } from 'fastify';
import { type faultStatus, type Fault } from '@signalbox/shared/errors/fault.js';

const titles: Record<keyof typeof faultStatus, string> = {
  invalid: 'The request is not valid',
  unauthenticated: 'Not signed in',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  conflict: 'Conflict',
  limited: 'Too much',
  cancelled: 'Cancelled',
  internal: 'Something went wrong inside Signalbox',
  unavailable: 'Not available now',
  timeout: 'Too late',
};

/** A fault as problem details (RFC 9457), with `code`, `next` and, for bad input, `errors`. */
export function problemOf(fault: Fault): Record<string, unknown> {
  const { code, detail, next, errors, service, status } = fault;
  return {
    type: `https://signalbox.dev/problems/${code.replace('_', '-')}`,
    title: titles[code],
    status,
    detail,
    code,
    next,
    ...(service !== undefined && { service }),
    ...(errors && { errors }),
  };
}

const faults = new WeakMap<FastifyReply, Fault>();

/** The fault that an answer is, where it is one. */
export function faultOfReply(reply: FastifyReply): Fault | undefined {
  return faults.get(reply);
}

/** Sends a fault; once the answer has begun, it can only be cut. */
export function sendProblem(reply: FastifyReply, fault: Fault): void {
  faults.set(reply, fault);
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  if (fault.retryAfterMs !== undefined) void reply.header('retry-after', String(Math.ceil(fault.retryAfterMs / 1_000)));
  if (fault.code === 'unauthenticated') void reply.header('www-authenticate', 'Bearer realm="signalbox"');
  void reply
    .status(fault.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problemOf(fault)));
}
