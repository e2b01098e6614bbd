import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { signOffAgent, type SignOffAgentReply, SignOffAgentRequest } from '@signalbox/shared/contracts/registry/sign-off-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownAgent } from '../agents/agent.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { ReviewStore } from './review.store.ts';

@Controller()
export class SignOffAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly reviews: ReviewStore,
    private readonly audit: Audit,
  ) {}

  @Handles(signOffAgent)
  handle(@Payload() { agent: name, version, note }: SignOffAgentRequest, @FromCaller() caller: Caller): Promise<SignOffAgentReply> {
    const { workspace, principal: by, name: byName } = caller;
    return this.db.inWorkspace(workspace, async (tx) => {
      const agent = await this.agents.lock(tx, name);
      if (agent === null) throw unknownAgent(name);
      if (agent.version !== version) {
        throw new Fault(
          'conflict',
          `${name} is at version ${agent.version}, not ${version}`,
          'Look at what changed since, then sign that off.',
        );
      }
      const at = await this.reviews.signOff(tx, { workspace, agent: agent.id, version, by, byName, note });
      if (at === null) throw new Fault('conflict', `version ${version} of ${name} is signed off already`, 'There is nothing to do.');
      await this.audit.append(tx, caller, {
        action: 'agent.sign-off',
        target: `agent ${name}`,
        detail: { version, ...(note !== undefined && { note }) },
      });
      return { agent: name, version, by, at: at.toISOString() };
    });
  }
}
