import type { Type } from '@nestjs/common';

/** The REST routes of `registry`: one controller an operation, `<operation>.route.ts`. */
export const registryRoutes: Type[] = [];
