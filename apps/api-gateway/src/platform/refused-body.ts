import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What is read at most of a body that was already refused: an order of magnitude over the limit of JSON bodies. */
const discardMaxBytes = 16 * 1024 * 1024;
const discardMs = 5_000;

/**
 * An answer that comes before the body has been read closes the connection, and a client that is still sending would see it broken
 * instead of reading why. So the rest is read and thrown away first, within bounds.
 */
export function discardRefusedBodies(http: FastifyInstance): void {
  http.addHook('onSend', (request, reply, payload, done) => {
    if (reply.statusCode < 400 || request.raw.complete || request.raw.readableEnded || request.raw.destroyed) return done(null, payload);
    discard(request.raw, () => done(null, payload));
  });
}

function discard(body: FastifyRequest['raw'], then: () => void): void {
  let left = discardMaxBytes;
  const count = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left <= 0) finish();
  };
  const timer = setTimeout(finish, discardMs);
  function finish(): void {
    clearTimeout(timer);
    body.off('data', count).off('end', finish).off('close', finish);
    then();
  }
  body.on('data', count).once('end', finish).once('close', finish);
  body.resume();
}
