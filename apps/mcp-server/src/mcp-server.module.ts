import { Module } from '@nestjs/common';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { CallToolHandler } from './calls/call-tool.handler.ts';
import { LargeResults } from './calls/large-result.ts';
import { GetToolHandler } from './catalogue/get-tool.handler.ts';
import { ListToolsHandler } from './catalogue/list-tools.handler.ts';
import { ToolStore } from './catalogue/tool.store.ts';
import { McpServerConfig } from './mcp-server.config.ts';
import { ApplyMcpServerHandler } from './servers/apply-mcp-server.handler.ts';
import { DeleteMcpServerHandler } from './servers/delete-mcp-server.handler.ts';
import { GetMcpServerSchemaHandler } from './servers/get-mcp-server-schema.handler.ts';
import { GetMcpServerHandler } from './servers/get-mcp-server.handler.ts';
import { ListMcpServersHandler } from './servers/list-mcp-servers.handler.ts';
import { RestartMcpServerHandler } from './servers/restart-mcp-server.handler.ts';
import { ServerEvents } from './servers/server-events.ts';
import { ServerStore } from './servers/server.store.ts';
import { SecretListener } from './upstreams/secret.listener.ts';
import { ServerSecrets } from './upstreams/server-secrets.ts';
import { Upstreams } from './upstreams/upstreams.ts';

/** Supervises upstream MCP servers and calls their tools. */
@Module({
  imports: [ServiceModule.forRoot({ name: 'mcp-server', config: loadConfig(McpServerConfig), entities: [] })],
  controllers: [
    ApplyMcpServerHandler,
    GetMcpServerHandler,
    ListMcpServersHandler,
    DeleteMcpServerHandler,
    RestartMcpServerHandler,
    GetMcpServerSchemaHandler,
    ListToolsHandler,
    GetToolHandler,
    CallToolHandler,
    SecretListener,
  ],
  providers: [ServerStore, ToolStore, ServerEvents, LargeResults, ServerSecrets, Upstreams],
})
export class McpServerModule {}
