import { Controller } from '@nestjs/common';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getMcpServerSchema, type GetMcpServerSchemaReply } from '@signalbox/shared/contracts/mcp-server/get-mcp-server-schema.js';
import { mcpServerSchema } from '../manifests/mcp-server.schema.ts';

@Controller()
export class GetMcpServerSchemaHandler {
  @Handles(getMcpServerSchema)
  handle(): GetMcpServerSchemaReply {
    return { schema: mcpServerSchema };
  }
}
