import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getStages, type GetStagesReply, GetStagesRequest } from '@signalbox/shared/contracts/registry/get-stages.js';
import { stages } from '@signalbox/shared/contracts/registry/stage.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { AgentStore } from '../agents/agent.store.ts';
import { checkStage } from './stage-check.ts';
import { StageStore } from './stage.store.ts';
import { holderViews, moveView, Stages } from './stages.ts';

/** What pages show of the history; the audit has the rest. */
const historyMax = 50;

@Controller()
export class GetStagesHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly agents: AgentStore,
    private readonly store: StageStore,
    private readonly stages: Stages,
  ) {}

  @Handles(getStages)
  handle(@Payload() request: GetStagesRequest, @FromCaller() { workspace, principal }: Caller): Promise<GetStagesReply> {
    const { agent: name } = request;
    return this.db.inWorkspace(workspace, async (tx) => {
      const { id, version, current } = await this.agents.atVersion(tx, name, request.version);
      const facts = await this.stages.factsOf(tx, { id, name }, version, principal);
      const history = await this.store.moves(tx, id, { limit: historyMax });
      return {
        agent: name,
        version,
        current,
        holders: holderViews(facts.holders),
        checks: stages.map((stage) => checkStage(stage, facts)),
        history: history.map(moveView),
      };
    });
  }
}
