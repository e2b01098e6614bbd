import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { version } from '@signalbox/shared/service/ping.js';
import { AuthModule } from './auth/auth.module.ts';
import { openApiDocument } from './docs/openapi.ts';
import { openApiJson, OpenApiRoute } from './docs/openapi.route.ts';
import { EventHub } from './events/event-hub.ts';
import { GatewayConfig } from './gateway.config.ts';
import { McpDoorModule } from './mcp/mcp-door.module.ts';
import { OpenAiDoorModule } from './openai/openai-door.module.ts';
import { OpenStreams } from './platform/open-streams.ts';
import { ProblemFilter } from './platform/problem.filter.ts';
import { allRoutes } from './rest/all-routes.ts';
import { KpiReports } from './system/kpi-reports.ts';
import { ServiceWatch } from './system/service-watch.ts';
import { WorkerDoorModule } from './workers/worker-door.module.ts';

@Module({})
export class GatewayModule {
  static forRoot(config: GatewayConfig): DynamicModule {
    return {
      module: GatewayModule,
      global: true,
      imports: [ServiceModule.forRoot({ name: 'api-gateway', config }), AuthModule, McpDoorModule, OpenAiDoorModule, WorkerDoorModule],
      controllers: [OpenApiRoute, ...allRoutes],
      providers: [
        EventHub,
        OpenStreams,
        ServiceWatch,
        KpiReports,
        { provide: APP_FILTER, useClass: ProblemFilter },
        {
          provide: openApiJson,
          useFactory: () => JSON.stringify(openApiDocument(allRoutes, version, config.publicUrl || '/')),
        },
      ],
      exports: [EventHub, OpenStreams],
    };
  }
}
