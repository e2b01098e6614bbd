import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getMcpServer, type GetMcpServerReply, GetMcpServerRequest } from '@signalbox/shared/contracts/mcp-server/get-mcp-server.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { shownManifest } from '../manifests/changes.ts';
import { Upstreams } from '../upstreams/upstreams.ts';
import { serverView } from './server-row.ts';
import { ServerStore } from './server.store.ts';
import { serverMissing } from './server.ts';

@Controller()
export class GetMcpServerHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly servers: ServerStore,
    private readonly upstreams: Upstreams,
  ) {}

  @Handles(getMcpServer)
  async handle(@Payload() { name }: GetMcpServerRequest, @FromCaller() { workspace }: Caller): Promise<GetMcpServerReply> {
    const found = await this.db.inWorkspace(workspace, (tx) => this.servers.find(tx, name));
    if (!found) throw serverMissing(name);
    const row = this.upstreams.lively(found);
    return {
      ...serverView(row),
      stderr: this.upstreams.find(workspace, name)?.stderr ?? [],
      serverInfo: row.server_info,
      manifest: shownManifest(row.manifest),
    };
  }
}
