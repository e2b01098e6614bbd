import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  restoreWorkflow,
  type RestoreWorkflowReply,
  type RestoreWorkflowRequest,
} from '@signalbox/shared/contracts/execution/restore-workflow.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { ScaleBackStore } from './scale-back.store.ts';

@Controller()
export class RestoreWorkflowHandler {
  constructor(
    private readonly workflows: WorkflowStore,
    private readonly store: ScaleBackStore,
    private readonly db: WorkspaceDatabase,
  ) {}

  @Handles(restoreWorkflow)
  async handle(@Payload() { name }: RestoreWorkflowRequest, @FromCaller() caller: Caller): Promise<RestoreWorkflowReply> {
    const { workspace } = caller;
    const because = `restored by ${caller.name}`;
    await this.db.inWorkspace(workspace, (tx) => this.store.end(tx, workspace, name, { how: 'hand', because, by: caller }));
    this.workflows.forget(workspace, name);
    const found = await this.workflows.get(workspace, name);
    if (!found) throw unknownWorkflow(name);
    return found.view;
  }
}
