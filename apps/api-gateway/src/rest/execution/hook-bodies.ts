import type { FastifyInstance } from 'fastify';
import { hookMaxBytes } from '@signalbox/shared/contracts/execution/receive-hook.js';

const hookRoute = '/api/v1/hooks/:id';
/** Stands for every media type on that route: what is signed is bytes. */
const hookBytes = 'application/vnd.signalbox.hook';

/** Gives bodies of hooks to their route as the bytes that came. */
export function acceptHooks(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.method === 'POST' && request.routeOptions.url === hookRoute) request.headers['content-type'] = hookBytes;
    done();
  });
  fastify.addContentTypeParser(hookBytes, { parseAs: 'buffer', bodyLimit: hookMaxBytes }, (_request, body, done) => done(null, body));
}
