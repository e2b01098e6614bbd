import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getTool, type GetToolReply, GetToolRequest } from '@signalbox/shared/contracts/mcp-server/get-tool.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { toolView } from './catalogue.ts';
import { toolMissing } from './tool-missing.ts';
import { ToolStore } from './tool.store.ts';

@Controller()
export class GetToolHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly tools: ToolStore,
  ) {}

  @Handles(getTool)
  async handle(@Payload() { server, tool }: GetToolRequest, @FromCaller() { workspace }: Caller): Promise<GetToolReply> {
    const row = await this.db.inWorkspace(workspace, (tx) => this.tools.find(tx, server, tool));
    if (!row) throw toolMissing(server, tool);
    return {
      ...toolView(server, row),
      definition: row.definition,
      hash: row.hash,
      pin: row.pin,
      firstSeenAt: row.first_seen_at.toISOString(),
      ...(row.changed_at !== null && { changedAt: row.changed_at.toISOString() }),
    };
  }
}
