import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { getWorkflow, type GetWorkflowReply, type GetWorkflowRequest } from '@signalbox/shared/contracts/execution/get-workflow.js';
import { FromCaller, type Caller } from '@signalbox/shared/identity/caller.js';
import { unknownWorkflow } from './unknown-workflow.ts';
import { WorkflowStore } from './workflow.store.ts';

@Controller()
export class GetWorkflowHandler {
  constructor(private readonly store: WorkflowStore) {}

  @Handles(getWorkflow)
  async handle(@Payload() { name }: GetWorkflowRequest, @FromCaller() { workspace }: Caller): Promise<GetWorkflowReply> {
    const found = await this.store.get(workspace, name);
    if (!found) throw unknownWorkflow(name);
    return { ...found.view, manifest: found.definition.manifest as unknown as Record<string, unknown> };
  }
}
