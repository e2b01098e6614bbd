import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { deleteAgent, type DeleteAgentReply, DeleteAgentRequest } from '@signalbox/shared/contracts/registry/delete-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { staleVersion, unknownAgent } from './agent.ts';
import { AgentHealth } from './agent-health.ts';
import { AgentStore } from './agent.store.ts';

@Controller()
export class DeleteAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly health: AgentHealth,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteAgent)
  handle(@Payload() { name, expectedVersion }: DeleteAgentRequest, @FromCaller() caller: Caller): Promise<DeleteAgentReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      const agent = await this.agents.lock(tx, name);
      if (agent === null) throw unknownAgent(name);
      if (expectedVersion !== undefined && expectedVersion !== agent.version) {
        throw staleVersion(`the agent ${name}`, agent.version, expectedVersion);
      }
      const holder = await this.agents.heldBy(tx, name);
      if (holder !== null) {
        throw new Fault('conflict', `the started deployment ${holder} has the agent ${name}`, `Stop ${holder} first.`);
      }
      await this.health.tell(tx, name, 'deleted');
      await this.agents.delete(tx, name);
      await this.audit.append(tx, caller, { action: 'agent.delete', target: `agent ${name}`, detail: { version: agent.version } });
      return { name };
    });
  }
}
