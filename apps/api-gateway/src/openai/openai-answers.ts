import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { isProblem, openAiError } from './openai-error.ts';

const prefix = '/v1/';

/** Gives every answer under `/v1` the headers of the OpenAI API, and every error its shape, wherever in the gateway it was made. */
export function answerAsOpenAi(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith(prefix)) void reply.header('x-request-id', `req_${randomUUID().replaceAll('-', '')}`);
    done();
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (!request.url.startsWith(prefix)) return done(null, payload);
    void reply.header('openai-processing-ms', String(Math.round(reply.elapsedTime)));
    if (typeof payload !== 'string' || !String(reply.getHeader('content-type')).startsWith('application/problem+json'))
      return done(null, payload);
    const problem: unknown = JSON.parse(payload);
    if (!isProblem(problem)) return done(null, payload);
    void reply.header('content-type', 'application/json').removeHeader('content-length');
    done(null, JSON.stringify(openAiError(problem)));
  });
}
