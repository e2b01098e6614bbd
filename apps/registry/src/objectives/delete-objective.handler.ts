import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteObjective,
  type DeleteObjectiveReply,
  DeleteObjectiveRequest,
} from '@signalbox/shared/contracts/registry/delete-objective.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownObjective } from './objective.ts';
import { ObjectiveStore } from './objective.store.ts';

@Controller()
export class DeleteObjectiveHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly objectives: ObjectiveStore,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteObjective)
  handle(@Payload() { name }: DeleteObjectiveRequest, @FromCaller() caller: Caller): Promise<DeleteObjectiveReply> {
    return this.db.inWorkspace(caller.workspace, async (tx) => {
      if (!(await this.objectives.delete(tx, name))) throw unknownObjective(name);
      await this.audit.append(tx, caller, { action: 'objective.delete', target: `objective ${name}` });
      return { name };
    });
  }
}
