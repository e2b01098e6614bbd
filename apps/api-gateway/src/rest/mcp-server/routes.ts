import type { Type } from '@nestjs/common';

/** The REST routes of `mcp-server`: one controller an operation, `<operation>.route.ts`. */
export const mcpServerRoutes: Type[] = [];
