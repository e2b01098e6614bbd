import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getAgent, type GetAgentReply, GetAgentRequest } from '@signalbox/shared/contracts/registry/get-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { unknownAgent } from './agent.ts';
import { agentView } from './agent-row.ts';
import { AgentStore } from './agent.store.ts';

@Controller()
export class GetAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
  ) {}

  @Handles(getAgent)
  handle(@Payload() { name }: GetAgentRequest, @FromCaller() { workspace }: Caller): Promise<GetAgentReply> {
    return this.db.inWorkspace(workspace, async (tx) => {
      const row = await this.agents.find(tx, name);
      if (row === null) throw unknownAgent(name);
      const version = await this.agents.version(tx, row);
      return { ...agentView(row), manifest: { ...version!.manifest } };
    });
  }
}
