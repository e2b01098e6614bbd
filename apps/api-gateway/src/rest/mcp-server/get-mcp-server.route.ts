import { getMcpServer } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { getRoute } from '../../platform/manifest-routes.ts';

export const GetMcpServerRoute = getRoute('GetMcpServer', 'mcp-servers', getMcpServer, {
  summary: 'One MCP server, with what it wrote to its standard error',
});
