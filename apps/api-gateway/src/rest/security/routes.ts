import type { Type } from '@nestjs/common';

/** The REST routes of `security`: one controller an operation, `<operation>.route.ts`. */
export const securityRoutes: Type[] = [];
