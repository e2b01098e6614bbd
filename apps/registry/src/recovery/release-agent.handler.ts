import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { releaseAgent, type ReleaseAgentReply, ReleaseAgentRequest } from '@signalbox/shared/contracts/registry/release-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownAgent } from '../agents/agent.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { IsolationStore } from './isolation.store.ts';
import { Recovery } from './recovery.ts';

@Controller()
export class ReleaseAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly isolations: IsolationStore,
    private readonly recovery: Recovery,
    private readonly audit: Audit,
  ) {}

  @Handles(releaseAgent)
  handle(@Payload() { agent, instance }: ReleaseAgentRequest, @FromCaller() caller: Caller): Promise<ReleaseAgentReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      if ((await this.agents.lock(tx, agent)) === null) throw unknownAgent(agent);
      const rows = await this.isolations.of(tx, agent);
      const meant = rows.filter((row) => instance === undefined || row.instance === instance);
      if (meant.length === 0) throw this.recovery.notIsolated(agent, instance);
      for (const row of meant) {
        await this.recovery.release(tx, row, { stage: 'released', text: `by ${caller.name}`, by: caller.principal });
      }
      const target = instance === undefined ? `agent ${agent}` : `instance ${agent}/${instance}`;
      await this.audit.append(tx, caller, { action: 'agent.release', target });
      return { agent };
    });
  }
}
