import { Controller, Module, type DynamicModule } from '@nestjs/common';
import { readFileSync } from 'node:fs';
import type { ServiceName } from '../bus/contract.ts';
import { Handles } from '../bus/handles.ts';
import { ping, type PingReply } from '../bus/ping.ts';
import { ServiceLifecycle } from './service-lifecycle.ts';

/** The version of Signalbox that runs. */
export const version = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;

/** Answers the health contract of the service. */
@Module({})
export class PingModule {
  static of(service: ServiceName): DynamicModule {
    @Controller()
    class PingHandler {
      constructor(private readonly lifecycle: ServiceLifecycle) {}

      @Handles(ping[service])
      async handle(): Promise<PingReply> {
        const results = Object.entries(this.lifecycle.checks()).map(
          async ([name, check]) =>
            [
              name,
              await check().then(
                () => 'ok',
                (error: Error) => error.message,
              ),
            ] as const,
        );
        return {
          version,
          uptimeS: Math.round(process.uptime()),
          memoryBytes: process.memoryUsage.rss(),
          checks: Object.fromEntries(await Promise.all(results)),
        };
      }
    }
    return { module: PingModule, controllers: [PingHandler] };
  }
}
