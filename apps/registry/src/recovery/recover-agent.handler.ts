import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { recoverAgent, type RecoverAgentReply, RecoverAgentRequest } from '@signalbox/shared/contracts/registry/recover-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownAgent } from '../agents/agent.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { IncidentStore } from '../incidents/incident.store.ts';
import { isolationView, IsolationStore, wholeAgent } from './isolation.store.ts';
import { Recovery } from './recovery.ts';

@Controller()
export class RecoverAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly isolations: IsolationStore,
    private readonly incidents: IncidentStore,
    private readonly recovery: Recovery,
    private readonly audit: Audit,
  ) {}

  @Handles(recoverAgent)
  handle(@Payload() { agent, instance }: RecoverAgentRequest, @FromCaller() caller: Caller): Promise<RecoverAgentReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      if ((await this.agents.lock(tx, agent)) === null) throw unknownAgent(agent);
      const row = await this.isolations.find(tx, agent, instance ?? wholeAgent);
      if (row === null) throw this.recovery.notIsolated(agent, instance);
      if (row.state === 'trial') return { resource: isolationView(row) };
      const moved = await this.isolations.move(tx, row, { state: 'isolated', attempt: 0, nextMs: 0 });
      const about = { agent, ...(instance !== undefined && { instance }) };
      const entry = { stage: 'noted' as const, text: `${caller.name} has it recovered now`, by: caller.principal, ...about };
      await this.incidents.add(tx, { id: row.incident, workspace: row.workspace }, entry);
      const target = instance === undefined ? `agent ${agent}` : `instance ${agent}/${instance}`;
      await this.audit.append(tx, caller, { action: 'agent.recover', target });
      return { resource: isolationView(moved) };
    });
  }
}
