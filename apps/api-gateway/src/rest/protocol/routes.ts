import type { Type } from '@nestjs/common';
import { ListBreakersRoute } from './list-breakers.route.ts';
import { ListModelsRoute } from './list-models.route.ts';

/** Routes of the protocol service's contracts. */
export const protocolRoutes: Type[] = [ListBreakersRoute, ListModelsRoute];
