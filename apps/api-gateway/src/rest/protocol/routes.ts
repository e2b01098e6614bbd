import type { Type } from '@nestjs/common';

/** The REST routes of `protocol`: one controller an operation, `<operation>.route.ts`. */
export const protocolRoutes: Type[] = [];
