import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { listWorkflows, type ListWorkflowsReply, type ListWorkflowsRequest } from '@signalbox/shared/contracts/execution/list-workflows.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { WorkflowStore } from './workflow.store.ts';

@Controller()
export class ListWorkflowsHandler {
  constructor(private readonly store: WorkflowStore) {}

  @Handles(listWorkflows)
  async handle(@Payload() filter: ListWorkflowsRequest, @FromCaller() { workspace }: Caller): Promise<ListWorkflowsReply> {
    return this.store.list(workspace, filter);
  }
}
