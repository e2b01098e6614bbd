import { entryTraceparent, inCall, recordedSpan } from '@signalbox/shared/telemetry/call-context.js';
import { isTracing, recordSpan } from '@signalbox/shared/telemetry/tracing.js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const traces = new WeakMap<FastifyRequest, { traceparent: string; parent: string | undefined; startMs: number }>();

/** Every request is served as part of a trace: its client's (`traceparent`, W3C Trace Context) or a new one. */
export function traceRequests(http: FastifyInstance): void {
  http.addHook('onRequest', (request, _, done) => {
    const given = request.headers.traceparent;
    const parent = typeof given === 'string' ? given : undefined;
    const traceparent = entryTraceparent(parent);
    if (isTracing()) traces.set(request, { traceparent, parent, startMs: Date.now() });
    inCall({ traceparent, ...(isMirrored(request.headers) && { isMirror: true }) }, done);
  });
  http.addHook('onResponse', (request, reply, done) => {
    recordRequest(request, reply);
    done();
  });
}

/** Whether it is made for a mirrored call, which is to change nothing: its agent hands on the header that it got, or W3C Baggage. */
function isMirrored({ 'signalbox-mirror': said, baggage }: FastifyRequest['headers']): boolean {
  return said === 'true' || (typeof baggage === 'string' && /(?:^|,)\s*signalbox-mirror\s*=\s*true\s*(?:[;,]|$)/.test(baggage));
}

function recordRequest(request: FastifyRequest, { statusCode }: FastifyReply): void {
  const trace = traces.get(request);
  const span = recordedSpan(trace?.traceparent);
  if (trace === undefined || span === undefined) return;
  // Where no route was found, the path is anybody's text.
  const route = request.routeOptions.url;
  recordSpan({
    ...span,
    name: route === undefined ? request.method : `${request.method} ${route}`,
    kind: 'server',
    parent: recordedSpan(trace.parent)?.id,
    startMs: trace.startMs,
    endMs: Date.now(),
    attributes: { 'http.request.method': request.method, 'http.route': route, 'http.response.status_code': statusCode },
    error: statusCode >= 500 ? String(statusCode) : undefined,
  });
}
