import type { Type } from '@nestjs/common';

/** The REST routes of `execution`: one controller an operation, `<operation>.route.ts`. */
export const executionRoutes: Type[] = [];
