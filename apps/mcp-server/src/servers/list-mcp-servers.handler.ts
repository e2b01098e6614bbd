import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import {
  listMcpServers,
  type ListMcpServersReply,
  ListMcpServersRequest,
} from '@signalbox/shared/contracts/mcp-server/list-mcp-servers.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { serverView } from './server-row.ts';
import { ServerStore } from './server.store.ts';

@Controller()
export class ListMcpServersHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly servers: ServerStore,
  ) {}

  @Handles(listMcpServers)
  async handle(@Payload() request: ListMcpServersRequest, @FromCaller() { workspace }: Caller): Promise<ListMcpServersReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.servers.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, ({ name }) => [name], serverView);
  }
}
