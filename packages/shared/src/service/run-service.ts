import 'reflect-metadata';
import { Module, type DynamicModule, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Bus } from '../bus/bus.ts';
import { BusServer } from '../bus/bus-server.ts';
import type { ServiceName } from '../bus/contract.ts';
import { FaultFilter } from '../bus/fault-filter.ts';
import { ServiceConfig } from '../config/service-config.ts';
import { DenialCounter } from '../identity/denial-counter.ts';
import { IdentityBroker } from '../identity/identity-broker.ts';
import { IdentityVerifier } from '../identity/verifier.ts';
import { nestLogger } from '../telemetry/nest-logger.ts';
import { DeferredStrategy } from './deferred-strategy.ts';
import { failStart, manage } from './manage.ts';
import { PingModule } from './ping.ts';
import { ServiceLifecycle } from './service-lifecycle.ts';

export interface RunningService {
  app: INestMicroservice;
  server: BusServer;
  stop(): Promise<void>;
}

/** Makes a service listen on the bus: its module must import `ServiceModule.forRoot`. */
export async function listenOnBus(module: Type | DynamicModule, service: ServiceName): Promise<RunningService> {
  @Module({ imports: [module, PingModule.of(service)] })
  class Root {}
  const strategy = new DeferredStrategy();
  const app = await NestFactory.createMicroservice(Root, { strategy, logger: nestLogger, abortOnError: false });
  const bus = app.get(Bus);
  const broker = app.get(IdentityBroker);
  const denials = app.get(DenialCounter);
  const server = new BusServer({
    service,
    connection: bus.connection,
    verifier: app.get(IdentityVerifier),
    callerOf: (claims, token) => broker.callerOf(claims, token),
    onDenied: (caller, operation) => denials.note(caller, operation),
    askOwner: (contract, request, caller, options) => bus.request(contract, request, caller, options),
  });
  strategy.become(server);
  app.useGlobalFilters(new FaultFilter());
  await app.listen();
  bus.listens(server);
  return { app, server, stop: () => app.close() };
}

/** All of a service's `main.ts`: configuration faults and failed starts end the process with a sentence, SIGTERM drains it. */
export async function runService(load: () => Promise<Type | DynamicModule> | Type | DynamicModule, service: ServiceName): Promise<void> {
  try {
    const { app, stop } = await listenOnBus(await load(), service);
    const lifecycle = app.get(ServiceLifecycle);
    await manage({ service, config: app.get(ServiceConfig), checks: lifecycle.checks(), metrics: () => lifecycle.metrics(), stop });
  } catch (err) {
    failStart(err);
  }
}
