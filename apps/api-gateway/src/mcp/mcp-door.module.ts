import { Module } from '@nestjs/common';
import { CallOfferedTool } from './call-offered-tool.ts';
import { LegacySessions } from './legacy-sessions.ts';
import { McpRoute } from './mcp.route.ts';
import { ModernEndpoint } from './modern-endpoint.ts';
import { OfferingServers } from './offering-server.ts';
import { ProgressRelay } from './progress-relay.ts';
import { ToolDirectory } from './tool-directory.ts';

/** The door for MCP clients: `/mcp`, `/mcp/servers/{name}`. */
@Module({
  controllers: [McpRoute],
  providers: [ToolDirectory, ProgressRelay, CallOfferedTool, OfferingServers, LegacySessions, ModernEndpoint],
})
export class McpDoorModule {}
