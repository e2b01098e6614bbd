import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  restartMcpServer,
  type RestartMcpServerReply,
  RestartMcpServerRequest,
} from '@signalbox/shared/contracts/mcp-server/restart-mcp-server.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { Upstreams } from '../upstreams/upstreams.ts';
import { serverView } from './server-row.ts';
import { ServerStore } from './server.store.ts';
import { serverMissing } from './server.ts';

@Controller()
export class RestartMcpServerHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly servers: ServerStore,
    private readonly audit: Audit,
    private readonly upstreams: Upstreams,
  ) {}

  @Handles(restartMcpServer)
  async handle(@Payload() { name }: RestartMcpServerRequest, @FromCaller() caller: Caller): Promise<RestartMcpServerReply> {
    const row = await this.db.inWorkspace(caller.workspace, async (tx) => {
      const found = await this.servers.find(tx, name);
      if (found) await this.audit.append(tx, caller, { action: 'mcp-server.restart', target: `mcp-server ${name}` });
      return found;
    });
    const upstream = this.upstreams.find(caller.workspace, name);
    if (!row || !upstream) throw serverMissing(name);
    await upstream.restart();
    return serverView(this.upstreams.lively(row));
  }
}
