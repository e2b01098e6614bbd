import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '@signalbox/shared/errors/fault.js';
import type { GatewayConfig } from '../gateway.config.ts';
import { sendProblem } from './problem.ts';

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];

/** The hosts that requests may name (DNS rebinding names others), and the origins that pages may come from. */
export function allowedHosts(config: GatewayConfig, port: number): Set<string> {
  const named = config.publicUrl ? [new URL(config.publicUrl).host] : [];
  const listening = loopbackNames.includes(config.host) ? loopbackNames : [config.host, ...loopbackNames];
  return new Set([...named, ...config.allowedHosts, ...listening.map((host) => `${host}:${port}`)].map((host) => host.toLowerCase()));
}

/** Refuses requests that name another host, and pages of other origins; answers CORS preflights of the listed origins. */
export function hostGuard(config: GatewayConfig, port: () => number) {
  let hosts: Set<string> | null = null;
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    hosts ??= allowedHosts(config, port());
    const host = request.headers.host?.toLowerCase();
    if (host === undefined || !hosts.has(host)) {
      sendProblem(
        reply,
        new Fault('forbidden', 'this installation does not go by that host', 'Use its own address, or add the host to ALLOWED_HOSTS.'),
      );
      return;
    }
    const origin = request.headers.origin;
    if (origin !== undefined && !isOwn(origin, hosts)) {
      if (!config.corsOrigins.includes(origin)) {
        sendProblem(reply, new Fault('forbidden', 'pages of that origin may not call this API', 'Add the origin to CORS_ORIGINS.'));
        return;
      }
      void reply.header('access-control-allow-origin', origin).header('vary', 'origin');
      if (request.method === 'OPTIONS') {
        void reply
          .status(204)
          .header('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
          .header(
            'access-control-allow-headers',
            'authorization, content-type, idempotency-key, if-match, last-event-id, mcp-protocol-version, mcp-session-id',
          )
          .header('access-control-max-age', '600')
          .send();
        return;
      }
    }
    done();
  };
}

function isOwn(origin: string, hosts: Set<string>): boolean {
  return URL.canParse(origin) && hosts.has(new URL(origin).host.toLowerCase());
}
