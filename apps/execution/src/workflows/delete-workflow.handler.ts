import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import {
  deleteWorkflow,
  type DeleteWorkflowReply,
  type DeleteWorkflowRequest,
} from '@signalbox/shared/contracts/execution/delete-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { Audit } from '@signalbox/shared/outbox/audit.js';
import { unknownWorkflow } from './unknown-workflow.ts';
import { WorkflowStore } from './workflow.store.ts';

@Controller()
export class DeleteWorkflowHandler {
  constructor(
    private readonly store: WorkflowStore,
    private readonly audit: Audit,
  ) {}

  @Handles(deleteWorkflow)
  async handle(@Payload() { name }: DeleteWorkflowRequest, @FromCaller() caller: Caller): Promise<DeleteWorkflowReply> {
    const isDeleted = await this.store.delete(caller.workspace, name, (tx) =>
      this.audit.append(tx, caller, { action: 'workflow.delete', target: `workflow ${name}` }),
    );
    if (!isDeleted) throw unknownWorkflow(name);
    return {};
  }
}
