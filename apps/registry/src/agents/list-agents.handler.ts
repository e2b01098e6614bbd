import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listAgents, type ListAgentsReply, ListAgentsRequest } from '@signalbox/shared/contracts/registry/list-agents.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { agentView } from './agent-row.ts';
import { AgentStore } from './agent.store.ts';

@Controller()
export class ListAgentsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
  ) {}

  @Handles(listAgents)
  async handle(@Payload() request: ListAgentsRequest, @FromCaller() { workspace }: Caller): Promise<ListAgentsReply> {
    const rows = await this.db.inWorkspace(workspace, (tx) => this.agents.list(tx, request));
    return pageOf(rows, request.limit ?? pageLimitDefault, (row) => [row.name], agentView);
  }
}
