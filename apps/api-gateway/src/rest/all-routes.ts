import type { Type } from '@nestjs/common';
import { StreamEventsRoute } from '../events/stream-events.route.ts';
import { ListServicesRoute } from '../system/list-services.route.ts';
import { contextRoutes } from './context/routes.ts';
import { executionRoutes } from './execution/routes.ts';
import { mcpServerRoutes } from './mcp-server/routes.ts';
import { protocolRoutes } from './protocol/routes.ts';
import { registryRoutes } from './registry/routes.ts';
import { securityRoutes } from './security/routes.ts';

/** Every REST route: the OpenAPI document is made from this list. */
export const allRoutes: Type[] = [
  ListServicesRoute,
  StreamEventsRoute,
  ...contextRoutes,
  ...executionRoutes,
  ...mcpServerRoutes,
  ...protocolRoutes,
  ...registryRoutes,
  ...securityRoutes,
];
