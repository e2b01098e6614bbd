import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { isolateAgent, type IsolateAgentReply, IsolateAgentRequest } from '@signalbox/shared/contracts/registry/isolate-agent.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownAgent } from '../agents/agent.ts';
import { AgentStore } from '../agents/agent.store.ts';
import { InstanceStore } from '../instances/instance.store.ts';
import { isolationView, wholeAgent } from './isolation.store.ts';
import { Recovery } from './recovery.ts';

@Controller()
export class IsolateAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly instances: InstanceStore,
    private readonly recovery: Recovery,
    private readonly audit: Audit,
  ) {}

  @Handles(isolateAgent)
  handle(@Payload() { agent, instance, reason }: IsolateAgentRequest, @FromCaller() caller: Caller): Promise<IsolateAgentReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      if ((await this.agents.lock(tx, agent)) === null) throw unknownAgent(agent);
      if (instance !== undefined) {
        const known = await this.instances.find(tx, agent, instance);
        if (known === null)
          throw new Fault('not_found', `${agent} has no instance ${instance}`, `Look at those it has: signalbox agents ${agent}.`);
        if (known.status === 'gone')
          throw new Fault('conflict', `the instance ${instance} of ${agent} is gone`, 'Nothing is left to isolate.');
      }
      const row = await this.recovery.isolateByHand(tx, {
        workspace: caller.workspace,
        by: caller.principal,
        agent,
        instance: instance ?? wholeAgent,
        because: reason,
      });
      const target = instance === undefined ? `agent ${agent}` : `instance ${agent}/${instance}`;
      await this.audit.append(tx, caller, { action: 'agent.isolate', target, detail: { reason } });
      return { resource: isolationView(row) };
    });
  }
}
