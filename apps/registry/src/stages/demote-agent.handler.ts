import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { demoteAgent, type DemoteAgentReply, DemoteAgentRequest } from '@signalbox/shared/contracts/registry/demote-agent.js';
import { stages } from '@signalbox/shared/contracts/registry/stage.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { AgentStore } from '../agents/agent.store.ts';
import { StageStore } from './stage.store.ts';
import { holderViews } from './stages.ts';

@Controller()
export class DemoteAgentHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly store: StageStore,
  ) {}

  @Handles(demoteAgent)
  handle(@Payload() request: DemoteAgentRequest, @FromCaller() caller: Caller): Promise<DemoteAgentReply> {
    const { agent: name, from, reason } = request;
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      await this.agents.lock(tx, name);
      const { id, version } = await this.agents.atVersion(tx, name, request.version);
      const holders = await this.store.holders(tx, id);
      const left = stages.slice(stages.indexOf(from)).filter((stage) => holders.get(stage)?.version === version);
      if (left.length === 0) {
        throw new Fault(
          'conflict',
          `version ${version} of ${name} is at no stage from ${from} on`,
          `See which is where: signalbox stages ${name}`,
        );
      }
      for (const stage of left.toReversed()) {
        const holder = await this.store.release(tx, caller, id, stage);
        await this.store.record(tx, caller, { id, name }, { move: 'demoted', stage, version, holder, reason });
      }
      return { left, holders: holderViews(await this.store.holders(tx, id)) };
    });
  }
}
