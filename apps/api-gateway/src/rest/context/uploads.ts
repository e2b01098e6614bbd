import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Routes whose body is bytes of any type, read as they come. */
const uploadRoutes: ReadonlySet<string | undefined> = new Set(['/api/v1/artifacts', '/api/v1/runs/import']);
/** Stands for every media type on these routes, so that no parser for one of them takes the body. */
const anyBytes = 'application/vnd.signalbox.bytes';

const mediaTypes = new WeakMap<IncomingMessage, string>();

/** Leaves bodies of uploads unread: their route reads them, of whatever type they are, once it is known who sends them. */
export function acceptUploads(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.method === 'POST' && uploadRoutes.has(request.routeOptions.url)) {
      mediaTypes.set(request.raw, request.headers['content-type'] ?? 'application/octet-stream');
      request.headers['content-type'] = anyBytes;
    }
    done();
  });
  // A body that was refused unread would stand in the way of the next request on its connection.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (mediaTypes.has(request.raw) && reply.statusCode >= 400) {
      void reply.header('connection', 'close');
      request.raw.resume();
    }
    done(null, payload);
  });
  fastify.addContentTypeParser(anyBytes, (_request, payload, done) => done(null, payload));
}

/** The media type that came with an upload. */
export function uploadedType(request: FastifyRequest): string {
  return mediaTypes.get(request.raw) ?? 'application/octet-stream';
}
