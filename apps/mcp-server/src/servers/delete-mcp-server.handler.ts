import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteMcpServer,
  type DeleteMcpServerReply,
  DeleteMcpServerRequest,
} from '@signalbox/shared/contracts/mcp-server/delete-mcp-server.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { ServerSecrets } from '../upstreams/server-secrets.ts';
import { Upstreams } from '../upstreams/upstreams.ts';
import { ServerEvents } from './server-events.ts';
import { ServerStore } from './server.store.ts';
import { checkVersion, serverMissing } from './server.ts';

@Controller()
export class DeleteMcpServerHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly servers: ServerStore,
    private readonly events: ServerEvents,
    private readonly audit: Audit,
    private readonly upstreams: Upstreams,
    private readonly secrets: ServerSecrets,
  ) {}

  @Handles(deleteMcpServer)
  async handle(@Payload() { name, expectedVersion }: DeleteMcpServerRequest, @FromCaller() caller: Caller): Promise<DeleteMcpServerReply> {
    const { workspace } = caller;
    const bearer = await this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.servers.lock(tx, name);
      if (!row) throw serverMissing(name);
      checkVersion(name, row, expectedVersion);
      const { id, transport, restarts } = row;
      await this.events.tell(
        tx,
        { workspace, id, name, transport, status: 'stopped', reason: 'it was deleted', tools: 0, restarts },
        { change: 'deleted' },
      );
      await this.servers.remove(tx, name);
      await this.audit.append(tx, caller, { action: 'mcp-server.delete', target: `mcp-server ${name}` });
      return row.bearer;
    });
    await this.upstreams.remove(workspace, name);
    await this.secrets.giveBack(name, bearer);
    return { name };
  }
}
