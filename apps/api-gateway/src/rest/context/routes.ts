import type { Type } from '@nestjs/common';

/** The REST routes of `context`: one controller an operation, `<operation>.route.ts`. */
export const contextRoutes: Type[] = [];
