import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getObjective, type GetObjectiveReply, GetObjectiveRequest } from '@signalbox/shared/contracts/registry/get-objective.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { objectiveView, unknownObjective } from './objective.ts';
import { ObjectiveStore } from './objective.store.ts';

@Controller()
export class GetObjectiveHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly objectives: ObjectiveStore,
  ) {}

  @Handles(getObjective)
  async handle(@Payload() { name }: GetObjectiveRequest, @FromCaller() { workspace }: Caller): Promise<GetObjectiveReply> {
    const applied = await this.db.inWorkspace(workspace, (tx) => this.objectives.all(tx));
    const objective = applied.find(({ manifest }) => manifest.metadata.name === name);
    if (objective === undefined) throw unknownObjective(name);
    return { ...objectiveView(objective), manifest: { ...objective.manifest } };
  }
}
