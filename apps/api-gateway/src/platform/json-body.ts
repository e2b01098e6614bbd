import type { FastifyInstance } from 'fastify';
import { parseJson } from '@signalbox/shared/bus/json.js';

/** JSON bodies under our limits of size and depth, instead of Fastify's own parsing. */
export function parseJsonBodies(fastify: FastifyInstance, bodyMaxBytes: number): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer', bodyLimit: bodyMaxBytes },
    (_request, body, done) => {
      try {
        done(null, parseJson(body as Buffer, bodyMaxBytes));
      } catch (fault) {
        done(fault as Error);
      }
    },
  );
}
