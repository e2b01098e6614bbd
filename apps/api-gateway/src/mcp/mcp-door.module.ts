import { Module } from '@nestjs/common';

/** The door for MCP clients: `/mcp`, `/mcp/servers/{name}`. */
@Module({})
export class McpDoorModule {}
