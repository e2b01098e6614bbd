import type { FastifyInstance } from 'fastify';
import type { HealthCheck } from '@signalbox/shared/health/health-server.js';

const checkTimeoutMs = 2_000;

/** The gateway's public health: that it lives, and that it can reach the bus. Details are on the management port. */
export function serveHealth(fastify: FastifyInstance, checks: () => Record<string, HealthCheck>): void {
  fastify.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  fastify.get('/readyz', async (_request, reply) => {
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('late')), checkTimeoutMs).unref());
    const isReady = await Promise.race([Promise.all(Object.values(checks()).map((check) => check())), late]).then(
      () => true,
      () => false,
    );
    return reply.status(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'not ready' });
  });
}
