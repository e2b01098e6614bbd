import type { FastifyInstance } from 'fastify';
import { parseJson } from '@signalbox/shared/bus/json.js';
import { Fault } from '@signalbox/shared/errors/fault.js';

/** Members of all objects in one body: more is no request of ours, and takes too long to refuse. */
const membersMax = 40_000;

/** JSON bodies under our limits of size and depth, instead of Fastify's own parsing. */
export function parseJsonBodies(fastify: FastifyInstance, bodyMaxBytes: number): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer', bodyLimit: bodyMaxBytes },
    (_request, body, done) => {
      try {
        const value = parseJson(body as Buffer, bodyMaxBytes, membersMax);
        done(null, (body as Buffer).includes('\\u') ? wellFormed(value) : value); // UTF-8 itself has no half of a pair
      } catch (fault) {
        done(fault as Error);
      }
    },
  );
}

/** The value, if all its texts are Unicode (RFC 7493, 2.1): half of a surrogate pair is no character, and PostgreSQL keeps none. */
function wellFormed(value: unknown, pointer = ''): unknown {
  if (typeof value === 'string' && !value.isWellFormed()) throw surrogateFault(pointer);
  if (typeof value !== 'object' || value === null) return value;
  for (const [key, child] of Object.entries(value)) {
    if (!key.isWellFormed()) throw surrogateFault(pointer);
    wellFormed(child, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
  return value;
}

function surrogateFault(pointer: string): Fault {
  return new Fault('invalid', `${pointer || 'a key'}: has half of a surrogate pair`, 'Send Unicode text.', {
    errors: [{ pointer, detail: 'has half of a surrogate pair' }],
  });
}
