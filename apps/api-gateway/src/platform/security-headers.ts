import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** The policy of every page: nothing but our own files; `nonce` lets the components' two small style elements in. */
export function contentSecurityPolicy(nonce?: string): string {
  return [
    `default-src 'none'`,
    `script-src 'self'`,
    `style-src 'self'${nonce === undefined ? '' : ` 'nonce-${nonce}'`}`,
    `img-src 'self' data:`,
    `font-src 'self'`,
    `connect-src 'self'`,
    `worker-src 'self'`,
    `manifest-src 'self'`,
    `frame-ancestors 'none'`,
    `base-uri 'none'`,
    `form-action 'self'`,
  ].join('; ');
}

/** A fresh nonce, set in the page's policy. */
export function pageNonce(reply: FastifyReply): string {
  const nonce = randomBytes(16).toString('base64');
  void reply.header('content-security-policy', contentSecurityPolicy(nonce));
  return nonce;
}

/** Headers of every answer; pages and artifacts set their own policy over them. */
export function setSecurityHeaders(fastify: FastifyInstance, isHttps: boolean): void {
  const policy = contentSecurityPolicy();
  fastify.addHook('onRequest', (_request, reply, done) => {
    reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      ...(isHttps && { 'strict-transport-security': 'max-age=31536000' }),
    });
    done();
  });
}
