import { applyMcpServer } from '@signalbox/shared/contracts/mcp-server/apply-mcp-server.js';
import { applyRoute } from '../../platform/manifest-routes.ts';

export const ApplyMcpServerRoute = applyRoute('ApplyMcpServer', 'mcp-servers', applyMcpServer, {
  summary: 'Create an MCP server or replace its manifest',
  description:
    'The same manifest again changes nothing. It is started in the background; calls in flight end first. Naming a command (`stdio`) is for administrators.',
});
