import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import fastifyStatic from '@fastify/static';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '@signalbox/shared/bus/bus.js';
import { BusServer } from '@signalbox/shared/bus/bus-server.js';
import { IdentityBroker } from '@signalbox/shared/identity/identity-broker.js';
import { IdentityVerifier } from '@signalbox/shared/identity/verifier.js';
import { DeferredStrategy } from '@signalbox/shared/service/deferred-strategy.js';
import { PingModule } from '@signalbox/shared/service/ping.js';
import { ServiceLifecycle } from '@signalbox/shared/service/service-lifecycle.js';
import { nestLogger } from '@signalbox/shared/telemetry/nest-logger.js';
import { Module } from '@nestjs/common';
import { Authenticator } from './auth/authenticator.ts';
import { serveReferencePages } from './docs/reference-pages.ts';
import type { GatewayConfig } from './gateway.config.ts';
import { GatewayModule } from './gateway.module.ts';
import { answerAsOpenAi } from './openai/openai-answers.ts';
import { CheckedInputPipe } from './platform/checked-input.pipe.ts';
import { boundConnections } from './platform/connections.ts';
import { serveDashboard } from './platform/dashboard-files.ts';
import { serveHealth } from './platform/health.routes.ts';
import { hostGuard } from './platform/hosts.ts';
import { parseJsonBodies } from './platform/json-body.ts';
import { faultOfHttp } from './platform/problem.filter.ts';
import { sendProblem } from './platform/problem.ts';
import { discardRefusedBodies } from './platform/refused-body.ts';
import { setSecurityHeaders } from './platform/security-headers.ts';
import { countRequests } from './platform/request-kpis.ts';
import { traceRequests } from './platform/request-trace.ts';
import { KpiReports } from './system/kpi-reports.ts';
import { acceptHooks } from './rest/execution/hook-bodies.ts';
import { acceptUploads } from './rest/context/uploads.ts';

/** A client that does not send its headers or body in this time is cut. */
const headersMs = 10_000;
const requestMs = 60_000;
/** How often Node looks for such clients. */
const checkEveryMs = 2_000;
const keepAliveMs = 30_000;

export interface RunningGateway {
  app: NestFastifyApplication;
  /** Where it listens. */
  url: string;
  /** Every route that it answers, as `GET /api/v1/agents/:name`. */
  routes: readonly string[];
  stop(): Promise<void>;
}

/** Starts the public door: HTTP for everybody, and the bus for what it hears itself. */
export async function startGateway(config: GatewayConfig): Promise<RunningGateway> {
  @Module({ imports: [GatewayModule.forRoot(config), PingModule.of('api-gateway')] })
  class Root {}

  const isHttps = config.tlsCertFile !== '' || config.publicUrl.startsWith('https:');
  const checks = { connectionsCheckingInterval: checkEveryMs };
  const https = config.tlsCertFile ? { cert: await readFile(config.tlsCertFile), key: await readFile(config.tlsKeyFile), ...checks } : null;
  const adapter = new FastifyAdapter({
    ...(https ? { https } : { http: checks }),
    bodyLimit: config.bodyMaxBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    logger: false,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => sendProblem(reply, faultOfHttp(error, request)),
  } as ConstructorParameters<typeof FastifyAdapter>[0]);
  const app = await NestFactory.create<NestFastifyApplication>(Root, adapter, {
    logger: nestLogger,
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalPipes(new CheckedInputPipe());
  const http = app.getHttpAdapter().getInstance();
  http.server.headersTimeout = headersMs;
  boundConnections(http.server, config.connectionsMax, https !== null);
  const routes: string[] = [];
  http.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push(`${each} ${url}`);
  });
  const port = (): number => (http.server.address() as AddressInfo).port;
  traceRequests(http);
  countRequests(http, app.get(KpiReports));
  setSecurityHeaders(http, isHttps);
  http.addHook('onRequest', hostGuard(config, port));
  const authenticator = app.get(Authenticator, { strict: false });
  http.addHook('onRequest', (request, reply, done) => {
    try {
      authenticator.refuseForeign(request);
      done();
    } catch (thrown) {
      sendProblem(reply, faultOfHttp(thrown, request));
    }
  });
  parseJsonBodies(http, config.bodyMaxBytes);
  discardRefusedBodies(http);
  // What goes wrong before a route is reached, as in a body's parser; Nest sets its own handler too late for these routes.
  http.addHook('onRoute', (route) => {
    route.errorHandler ??= (error, request, reply) => sendProblem(reply, faultOfHttp(error, request));
  });
  acceptUploads(http);
  acceptHooks(http);
  answerAsOpenAi(http);
  await http.register(fastifyStatic, { root: config.dashboardDir, serve: false });
  serveHealth(http, () => app.get(ServiceLifecycle).checks());
  serveReferencePages(http);

  const strategy = new DeferredStrategy();
  const bus = app.get(Bus);
  const broker = app.get(IdentityBroker);
  strategy.become(
    new BusServer({
      service: 'api-gateway',
      connection: bus.connection,
      verifier: app.get(IdentityVerifier),
      callerOf: (claims, token) => broker.callerOf(claims, token),
    }),
  );
  app.connectMicroservice({ strategy }, { inheritAppConfig: true });
  await serveDashboard(http, config.dashboardDir);
  await app.startAllMicroservices();
  await app.listen(config.port, config.host);
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return { app, url: config.publicUrl || `${isHttps ? 'https' : 'http'}://${host}:${port()}`, routes, stop: () => app.close() };
}
