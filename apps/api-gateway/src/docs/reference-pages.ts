import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

/** Put there by the build: all that is needed of that package. */
const scriptFolder = fileURLToPath(new URL('../../dist/docs/', import.meta.url));

const configuration = JSON.stringify({
  url: '/api/openapi.json',
  withDefaultFonts: false,
  hideClientButton: true,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
}).replaceAll('"', '&quot;');

const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Signalbox REST reference</title></head>
<body><div id="api-reference" data-configuration="${configuration}"></div><script src="/docs/reference.js"></script></body>
</html>`;

/** `/docs`: the reference pages over `/api/openapi.json`, drawn by Scalar's script from our own disk. */
export function serveReferencePages(fastify: FastifyInstance): void {
  fastify.get('/docs', (_request, reply) => {
    // Scalar sets styles inline; scripts stay ours alone.
    void reply
      .header(
        'content-security-policy',
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
      )
      .type('text/html; charset=utf-8')
      .send(page);
  });
  fastify.get('/docs/reference.js', (_request, reply) => {
    void reply.header('cache-control', 'public, max-age=3600');
    return reply.sendFile('scalar.js', scriptFolder);
  });
}
