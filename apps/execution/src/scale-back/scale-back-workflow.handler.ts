import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  scaleBackWorkflow,
  type ScaleBackWorkflowReply,
  type ScaleBackWorkflowRequest,
} from '@signalbox/shared/contracts/execution/scale-back-workflow.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { unknownWorkflow } from '../workflows/unknown-workflow.ts';
import { WorkflowStore } from '../workflows/workflow.store.ts';
import { ScaleBackStore } from './scale-back.store.ts';

@Controller()
export class ScaleBackWorkflowHandler {
  constructor(
    private readonly workflows: WorkflowStore,
    private readonly store: ScaleBackStore,
    private readonly db: WorkspaceDatabase,
  ) {}

  @Handles(scaleBackWorkflow)
  async handle(
    @Payload() { name, reason = 'by hand' }: ScaleBackWorkflowRequest,
    @FromCaller() caller: Caller,
  ): Promise<ScaleBackWorkflowReply> {
    const { workspace } = caller;
    const found = await this.workflows.get(workspace, name);
    if (!found) throw unknownWorkflow(name);
    const to = found.view.scaleBack?.to;
    if (to === undefined)
      throw new Fault(
        'conflict',
        `the workflow ${name} names no smaller one`,
        'Give it spec.scaleBack with the name of one, and apply it.',
      );
    if (!(await this.workflows.get(workspace, to)))
      throw new Fault('conflict', `there is no workflow ${to}, which ${name} is scaled back to`, `Apply a manifest of ${to} first.`);
    await this.db.inWorkspace(workspace, (tx) => this.store.begin(tx, workspace, name, { how: 'hand', because: reason, by: caller }));
    this.workflows.forget(workspace, name);
    return (await this.workflows.get(workspace, name))?.view ?? found.view;
  }
}
