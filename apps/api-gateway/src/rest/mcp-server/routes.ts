import type { Type } from '@nestjs/common';
import { ApplyMcpServerRoute } from './apply-mcp-server.route.ts';
import { CallToolRoute } from './call-tool.route.ts';
import { DeleteMcpServerRoute } from './delete-mcp-server.route.ts';
import { GetMcpServerRoute } from './get-mcp-server.route.ts';
import { GetToolRoute } from './get-tool.route.ts';
import { ListMcpServersRoute } from './list-mcp-servers.route.ts';
import { ListToolsRoute } from './list-tools.route.ts';
import { RestartMcpServerRoute } from './restart-mcp-server.route.ts';

/** The REST routes of `mcp-server`: one controller an operation, `<operation>.route.ts`. */
export const mcpServerRoutes: Type[] = [
  ApplyMcpServerRoute,
  GetMcpServerRoute,
  ListMcpServersRoute,
  DeleteMcpServerRoute,
  RestartMcpServerRoute,
  ListToolsRoute,
  GetToolRoute,
  CallToolRoute,
];
