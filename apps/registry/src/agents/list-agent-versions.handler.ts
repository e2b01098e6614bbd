import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { encodeCursor, pageLimitDefault } from '@signalbox/shared/bus/page.js';
import {
  listAgentVersions,
  type ListAgentVersionsReply,
  ListAgentVersionsRequest,
} from '@signalbox/shared/contracts/registry/list-agent-versions.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { unknownAgent } from './agent.ts';
import { AgentStore } from './agent.store.ts';

/** Manifests of one page together: a message holds 512 KiB. */
const pageBytesMax = 384 * 1024;

@Controller()
export class ListAgentVersionsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
  ) {}

  @Handles(listAgentVersions)
  handle(@Payload() request: ListAgentVersionsRequest, @FromCaller() { workspace }: Caller): Promise<ListAgentVersionsReply> {
    const { name, cursor, limit = pageLimitDefault } = request;
    return this.db.inWorkspace(workspace, async (tx) => {
      const agent = await this.agents.find(tx, name);
      if (agent === null) throw unknownAgent(name);
      const rows = await this.agents.versions(tx, agent.id, limit, cursor);
      const shown = [];
      let bytes = 0;
      for (const row of rows.slice(0, limit)) {
        bytes += Buffer.byteLength(JSON.stringify(row.manifest));
        if (shown.length > 0 && bytes > pageBytesMax) break;
        shown.push(row);
      }
      return {
        data: shown.map((row) => ({
          version: row.version,
          hash: row.hash,
          current: row.version === agent.version,
          createdBy: row.created_by,
          createdAt: row.created_at.toISOString(),
          manifest: { ...row.manifest },
        })),
        nextCursor: rows.length > shown.length ? encodeCursor([shown.at(-1)!.version]) : null,
      };
    });
  }
}
